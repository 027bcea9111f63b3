package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// The limits that the zero [Limits] stands for, and the greatest depth that can be asked for.
const (
	DefaultBytes  = 1 << 20
	DefaultDepth  = 64
	DefaultValues = 100_000
	DefaultNumber = 1000

	MaxDepth = 1000
)

// Limits bound what [Parse] reads. A field that isn't positive stands for its default.
type Limits struct {
	Bytes  int // of the whole text
	Depth  int // of arrays and objects in each other, at most MaxDepth; a scalar has depth 0
	Values int // in the whole text: scalars, arrays and objects, but not member names
	Number int // bytes of one number's literal
}

func (l Limits) withDefaults() Limits {
	set := func(n *int, def int) {
		if *n <= 0 {
			*n = def
		}
	}
	set(&l.Bytes, DefaultBytes)
	set(&l.Depth, DefaultDepth)
	set(&l.Values, DefaultValues)
	set(&l.Number, DefaultNumber)
	l.Depth = min(l.Depth, MaxDepth)
	return l
}

// Parse reads data, which must be exactly one JSON value with nothing but white space around it. Time and memory are
// linear in len(data). The error is always an *[Error]; the Value is then the zero Value.
func Parse(data []byte, limits Limits) (Value, error) {
	limits = limits.withDefaults()
	if len(data) > limits.Bytes {
		return Value{}, &Error{Code: TooMuch, Offset: limits.Bytes,
			Reason: fmt.Sprintf("the text has %d bytes, more than %d", len(data), limits.Bytes)}
	}
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		return Value{}, &Error{Code: Syntax, Saw: `"\ufeff"`, Reason: "a byte order mark",
			Hint: "write the text without it"}
	}
	if !utf8.Valid(data) {
		i := invalidUTF8(data)
		return Value{}, &Error{Code: Encoding, Offset: i, Saw: excerpt(data[i:], 1), Reason: "invalid UTF-8"}
	}
	r := readers.Get().(*reader)
	defer r.release()
	r.data, r.text, r.limits, r.values = data, string(data), limits, 0
	r.buf = *bytes.NewBuffer(data)
	r.dec.Reset(&r.buf, jsontext.AllowDuplicateNames(false), jsontext.AllowInvalidUTF8(false))
	v, err := r.document()
	if err != nil {
		return Value{}, err
	}
	return v, nil
}

// readers keep decoders, whose making costs more than reading a small text.
var readers = sync.Pool{New: func() any { return &reader{dec: jsontext.NewDecoder(new(bytes.Buffer))} }}

// release gives the reader back, holding on to nothing that it has read.
func (r *reader) release() {
	r.data, r.text, r.buf = nil, "", bytes.Buffer{}
	r.dec.Reset(&r.buf)
	readers.Put(r)
}

// A reader turns the decoder's tokens into values and keeps count of them.
type reader struct {
	data   []byte
	text   string // data; values are parts of it where they stand there as they are
	limits Limits
	dec    *jsontext.Decoder
	buf    bytes.Buffer
	values int
}

// raw reads a name or a scalar. It returns the part of the text that it is, and where the part begins.
func (r *reader) raw() (string, int, error) {
	v, err := r.dec.ReadValue()
	if err != nil {
		return "", 0, r.decodeError(err)
	}
	end := int(r.dec.InputOffset())
	return r.text[end-len(v) : end], end - len(v), nil
}

// unquote returns what a string literal stands for.
func unquote(literal string) string {
	if s := literal[1 : len(literal)-1]; strings.IndexByte(s, '\\') < 0 {
		return s
	}
	s, _ := jsontext.AppendUnquote(nil, literal) // the decoder has accepted it
	return string(s)
}

// document reads the only value and the end of the text.
func (r *reader) document() (Value, error) {
	v, err := r.value()
	if err != nil {
		return Value{}, err
	}
	end := int(r.dec.InputOffset())
	rest := bytes.TrimLeft(r.data[end:], " \t\r\n")
	if len(rest) > 0 {
		return Value{}, r.fail(Syntax, len(r.data)-len(rest), "something stands after the value",
			"write exactly one value")
	}
	return v, nil
}

// value reads the next value.
func (r *reader) value() (Value, error) {
	kind := r.dec.PeekKind()
	if kind == jsontext.KindBeginArray || kind == jsontext.KindBeginObject {
		if _, err := r.dec.ReadToken(); err != nil {
			return Value{}, r.decodeError(err)
		}
		if err := r.counted(r.offset()); err != nil {
			return Value{}, err
		}
		if r.dec.StackDepth() > r.limits.Depth {
			return Value{}, r.fail(TooMuch, r.offset(), fmt.Sprintf("arrays and objects nest deeper than %d", r.limits.Depth), "")
		}
		if kind == jsontext.KindBeginArray {
			return r.array()
		}
		return r.object()
	}
	literal, at, err := r.raw()
	if err != nil {
		return Value{}, err
	}
	if err := r.counted(at + len(literal) - 1); err != nil {
		return Value{}, err
	}
	switch kind {
	case jsontext.KindFalse, jsontext.KindTrue:
		return Value{Kind: Bool, Bool: kind == jsontext.KindTrue}, nil
	case jsontext.KindString:
		return Value{Kind: String, Text: unquote(literal)}, nil
	case jsontext.KindNumber:
		if len(literal) > r.limits.Number {
			return Value{}, r.fail(TooMuch, at, fmt.Sprintf("a number of %d characters, more than %d", len(literal), r.limits.Number), "")
		}
		// The number stays text; only its size is looked at, and a short one without an exponent has none worth a look.
		if len(literal) > 300 || strings.ContainsAny(literal, "eE") {
			if f, err := strconv.ParseFloat(literal, 64); err != nil || math.IsInf(f, 0) {
				return Value{}, r.fail(TooMuch, at, "a number that no reader can hold", "write one of at most 1.7e308 (RFC 7493, section 2.2)")
			}
		}
		return Value{Kind: Number, Text: literal}, nil
	}
	return Value{}, nil // null
}

// counted counts a value, whose last byte so far is at offset.
func (r *reader) counted(offset int) error {
	if r.values++; r.values > r.limits.Values {
		return r.fail(TooMuch, offset, fmt.Sprintf("more than %d values", r.limits.Values), "")
	}
	return nil
}

// array reads the rest of an array whose '[' has been read.
func (r *reader) array() (Value, error) {
	v := Value{Kind: Array}
	for {
		if r.dec.PeekKind() == jsontext.KindEndArray {
			_, err := r.dec.ReadToken()
			return v, err
		}
		item, err := r.value()
		if err != nil {
			return Value{}, err
		}
		v.Items = append(v.Items, item)
	}
}

// object reads the rest of an object whose '{' has been read.
func (r *reader) object() (Value, error) {
	v := Value{Kind: Object}
	for {
		if r.dec.PeekKind() == jsontext.KindEndObject {
			_, err := r.dec.ReadToken()
			return v, err
		}
		name, _, err := r.raw()
		if err != nil {
			return Value{}, err
		}
		name = unquote(name)
		member, err := r.value()
		if err != nil {
			return Value{}, err
		}
		if v.Members == nil {
			v.Members = make([]Member, 0, 4)
		}
		v.Members = append(v.Members, Member{name, member})
	}
}

// offset returns the offset of the last byte that was read.
func (r *reader) offset() int { return int(r.dec.InputOffset()) - 1 }

// fail describes an error of this package's own rules at the value that was read last.
func (r *reader) fail(code Code, offset int, reason, hint string) *Error {
	return &Error{Code: code, Offset: offset, Pointer: string(r.dec.StackPointer()), Saw: r.saw(offset),
		Reason: reason, Hint: hint}
}

// saw quotes the beginning of what stands at offset.
func (r *reader) saw(offset int) string {
	if offset >= len(r.data) {
		return ""
	}
	return excerpt(r.data[offset:], 24)
}

// decodeError describes what the decoder refused. The decoder reads from memory, so its error is either the end of
// the text or syntactic.
func (r *reader) decodeError(err error) *Error {
	var syntactic *jsontext.SyntacticError
	if !errors.As(err, &syntactic) {
		return &Error{Code: Syntax, Offset: len(r.data), Reason: "the text holds no value"}
	}
	e := &Error{
		Code:    Syntax,
		Offset:  int(syntactic.ByteOffset),
		Pointer: string(syntactic.JSONPointer),
		Saw:     r.saw(int(syntactic.ByteOffset)),
		Reason:  syntactic.Err.Error(),
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Reason = "the text ends in the middle of a value"
	case errors.Is(err, jsontext.ErrDuplicateName):
		e.Code = Duplicate
		e.Reason = "a member name stands twice in one object"
		e.Hint = "write each name once"
	case strings.HasPrefix(e.Reason, "invalid surrogate pair"):
		e.Code = Encoding
		e.Reason = "a lone surrogate in a \\u escape"
		e.Hint = "write the character itself, or both halves of its surrogate pair"
	default:
		e.Reason = ascii(e.Reason)
	}
	return e
}

// ascii escapes what isn't printable ASCII in a message of the decoder, which may quote the text.
func ascii(s string) string {
	var b strings.Builder
	for _, r := range s {
		if ' ' <= r && r <= '~' {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// invalidUTF8 returns the offset of the first byte that isn't UTF-8.
func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(data)
}

// appendQuoted appends s, which is valid UTF-8, as a JSON string with the fewest escapes.
func appendQuoted(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // the error is for invalid UTF-8 only
	return dst
}
