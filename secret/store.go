package secret

import (
	"errors"
	"fmt"
	"strings"
)

// MaxNameLen is the length of the longest name of a secret, in bytes, as in the language.
const MaxNameLen = 256

// ErrNotFound: there is no secret of this name.
var ErrNotFound = errors.New("secret: there is none of this name")

// A Store has the values of secrets. It must be safe for concurrent use.
type Store interface {
	// Value returns the value of a secret as it is now. The error is or wraps ErrNotFound where there is none; no error has a part of a value.
	Value(name string) (Value, error)
}

// A Map is a store in memory. It isn't changed while it is in use.
type Map map[string]Value

// Value returns the value under name.
func (m Map) Value(name string) (Value, error) {
	if v := m[name]; !v.IsZero() {
		return v, nil
	}
	return Value{}, ErrNotFound
}

// CheckName returns an error unless name is a name as policies write it: ASCII letters, digits, `_` and `-`, first a letter or `_`,
// last no `-`, at most MaxNameLen bytes. Such a name has no second meaning as that of a file.
func CheckName(name string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	if name == "" || len(name) > MaxNameLen || !strings.Contains(letters, name[:1]) || strings.Trim(name, letters+"0123456789-") != "" || strings.HasSuffix(name, "-") {
		return fmt.Errorf("secret: %.40q is not the name of a secret", name)
	}
	return nil
}
