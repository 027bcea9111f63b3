package strictjson

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// Canonical returns the text of v in the JSON Canonicalization Scheme (RFC 8785): what [Value.AppendJSON] writes, but
// with numbers as ECMAScript writes the nearest double (RFC 8785, section 3.2.2.3). So 1.0 and 1e0 are both 1, -0 is 0,
// and two numbers that are the same double, such as 9007199254740992 and 9007199254740993, have the same text.
//
// There is no error for what comes from [Parse]; for what doesn't keep its rules there may be one.
func (v Value) Canonical() ([]byte, error) {
	text := jsontext.Value(v.AppendJSON(nil))
	if err := text.Canonicalize(); err != nil {
		return nil, fmt.Errorf("strictjson: not a value that Parse returns: %w", err)
	}
	return text, nil
}
