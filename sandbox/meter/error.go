package meter

import "fmt"

// An Error says why [Instrument] refused a module.
type Error struct {
	Offset int    // in bytes from the module's beginning, where the problem was seen
	Func   int    // index of the function whose body it is in, imported functions counted; -1 if in no body
	Reason string // what was seen, and what is allowed
}

// Error returns one line of ASCII, however hostile the module was: names in it are quoted and cut.
func (e *Error) Error() string {
	where := ""
	if e.Func >= 0 {
		where = fmt.Sprintf(" in the body of function %d", e.Func)
	}
	return fmt.Sprintf("WebAssembly: at byte %d%s: %s", e.Offset, where, e.Reason)
}

// quote returns s in quotes and ASCII, cut to some 60 bytes.
func quote(s string) string {
	if len(s) > 60 {
		return fmt.Sprintf("%+q...", s[:60])
	}
	return fmt.Sprintf("%+q", s)
}
