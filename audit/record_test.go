package audit

import (
	"bytes"
	"encoding/hex"
	"math/rand"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/moat-lang/moat/strictjson"
)

var kinds = []Kind{
	KindDecision, KindEffect, KindSandbox, KindSecret, KindAlert, KindApproval, KindRevocation, KindPolicy, KindTrust, KindStart, KindStop, KindJunk,
	KindSegment, KindCheckpoint, KindRecovery,
}

// fill sets everything in v to something that can be recorded.
func fill(r *rand.Rand, v reflect.Value) {
	texts := []string{"x", "tool://pay", "a \"quoted\"\n\x1b[31m line", "żółć \u202e", `{"amount":9007199254740993}`, "\u2028<&>\x7f"}
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(r.Int63n(1<<34), r.Int63n(1e9)).UTC()))
		return
	case Field:
		v.Set(reflect.ValueOf([]Field{Shown(texts[r.Intn(len(texts))]), {Mode: Digest, HMAC: [32]byte{1, byte(r.Int())}}, {redacted: true}}[r.Intn(3)]))
		return
	case Outcome:
		v.Set(reflect.ValueOf([]Outcome{Permit, Ask, Deny}[r.Intn(3)]))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts[r.Intn(len(texts))])
	case reflect.Uint64:
		v.SetUint(r.Uint64()>>r.Intn(60) | 1)
	case reflect.Bool:
		v.SetBool(r.Intn(2) == 0)
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(uint64(1 + r.Intn(255)))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+r.Intn(3), 4))
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(r, v.Field(i))
			}
		}
	default:
		panic(v.Kind())
	}
}

// fixed makes a filled event one that is accepted.
func fixed(r *rand.Rand, ev Event) Event {
	switch e := ev.(type) {
	case *Decision:
		e.Stage = uint64(1 + r.Intn(3))
		if e.Outcome != Permit {
			e.History = nil
		}
		if e.Private() { // as it is written
			hidden := Field{redacted: true}
			e.Detail, e.Request.Keyed = hidden, true
			for i := range e.Errors {
				e.Errors[i].Message = hidden
			}
			for _, uses := range [][]ApprovalUse{e.Used, e.Facts.Approvals} {
				for i := range uses {
					uses[i].Request.Keyed = true
				}
			}
			e.Facts.Origins, e.Facts.ValueOrigins, e.Facts.Attestations = nil, nil, nil
		}
	case *Segment:
		e.Format = FormatVersion
	case *Checkpoint:
		e.Marks = []Mark{{"a", 1}, {"b", 0}}
	case *Junk:
		if len(e.Sample.Text) > MaxSample {
			e.Sample = Shown("x")
		}
	}
	return ev
}

// What is written is canonical JSON, and is read as what was written, for events of every kind with every member set.
func TestRecordRoundTrip(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for _, kind := range kinds {
		for range 50 {
			ev := newEvent(kind)
			fill(r, reflect.ValueOf(ev).Elem())
			fixed(r, ev)
			prev, now := [32]byte{7}, time.Date(2026, 1, 31, 12, 0, 0, 5, time.UTC)
			line, err := appendEvent(nil, ev, nil)
			if err != nil {
				t.Fatal(err)
			}
			if d, ok := ev.(*Decision); ok {
				with := *d
				if with.Token = d.Token.Prepared(); with.Token.encoded == nil {
					t.Fatal("the token isn't prepared")
				}
				if prepared, err := appendEvent(nil, &with, nil); err != nil || !bytes.Equal(prepared, line) {
					t.Fatalf("with a prepared token (%v):\n%s\n%s", err, prepared, line)
				}
			}
			line = appendTail(line, 42, kind, &prev, now)
			doc, err := strictjson.Parse(line, strictjson.Limits{})
			if err != nil {
				t.Fatalf("%s: %v\n%s", kind, err, line)
			}
			if canonical, err := doc.Canonical(); err != nil || !bytes.Equal(canonical, line) {
				t.Fatalf("%s isn't canonical (%v):\n%s\n%s", kind, err, line, canonical)
			}
			if why := checkLine(line, 42, &prev); why != "" {
				t.Fatalf("%s: %s", kind, why)
			}
			rec, err := parseRecord(line)
			if err != nil {
				t.Fatalf("%s: %v\n%s", kind, err, line)
			}
			if rec.Index != 42 || rec.Prev != prev || !rec.Time.Equal(now) || rec.Kind != kind {
				t.Errorf("%+v", rec)
			}
			if diff := cmp.Diff(ev, rec.Event, cmp.AllowUnexported(Field{}), cmpopts.IgnoreUnexported(Token{}), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%s: %s\n%s", kind, diff, line)
			}
		}
	}
}

func TestIsHex(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	var hash [32]byte
	for i := range 256 {
		for j := range hash {
			hash[j] = byte(i + j*r.Intn(256))
		}
		text := []byte(hex.EncodeToString(hash[:]))
		if !isHex(text, &hash) {
			t.Errorf("%s", text)
		}
		at := r.Intn(len(text))
		for _, b := range []byte{text[at] ^ 1, text[at] ^ 0x20, text[at] ^ 0x80, 0} {
			was := text[at]
			if text[at] = b; isHex(text, &hash) {
				t.Errorf("%q for %x", text, hash)
			}
			text[at] = was
		}
	}
}

// A line that isn't exactly what would be written is refused.
func TestRecordIsStrict(t *testing.T) {
	good := `{"event":{"monitor":"m"},"index":"1","kind":"alert","prev":"` + string(bytes.Repeat([]byte("0"), 64)) + `","time":"2026-01-31T12:00:00.000000000Z"}`
	if _, err := parseRecord([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`{"monitor":"m"}`, `{}`}, {`{"monitor":"m"}`, `{"monitor":"m","more":"x"}`}, {`{"monitor":"m"}`, `{"session":"s","monitor":"m"}`},
		{`{"monitor":"m"}`, `{"monitor":"m","session":""}`}, {`{"monitor":"m"}`, `{"agent":null,"monitor":"m"}`}, {`{"monitor":"m"}`, `{"decision":1,"monitor":"m"}`},
		{`{"monitor":"m"}`, `{"decision":"01","monitor":"m"}`}, {`{"monitor":"m"}`, `{"decision":"+1","monitor":"m"}`}, {`{"monitor":"m"}`, `{"decision":"0","monitor":"m"}`},
		{`{"monitor":"m"}`, `{"monitor":"\u006d"}`}, {`{"monitor":"m"}`, `{ "monitor":"m"}`}, {`{"monitor":"m"}`, `{"monitor":"m","monitor":"m"}`},
		{`{"monitor":"m"}`, `{"detail":{},"monitor":"m"}`}, {`{"monitor":"m"}`, `{"detail":{"redacted":false},"monitor":"m"}`},
		{`{"monitor":"m"}`, `{"detail":{"hmac":"AB"},"monitor":"m"}`}, {`{"monitor":"m"}`, `{"detail":{"full":"x","redacted":true},"monitor":"m"}`},
		{`"index":"1"`, `"index":"01"`}, {`"index":"1"`, `"index":1`}, {`"index":"1"`, `"index":"18446744073709551616"`}, {`"alert"`, `"stop"`}, {`"alert"`, `"x"`}, {`"alert"`, `""`},
		{`"prev":"0`, `"prev":"A`}, {`.000000000Z`, `.0Z`}, {`.000000000Z`, `+00:00`}, {`Z"}`, `Z"} `}, {`Z"}`, `Z"}x`}, {`Z"}`, `Z","zone":"x"}`}, {`{"event"`, ` {"event"`},
		{`,"time":"2026-01-31T12:00:00.000000000Z"`, ``}, {`{"event":{"monitor":"m"},`, `{`},
	} {
		bad := bytes.Replace([]byte(good), []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(bad, []byte(good)) {
			t.Fatalf("%q changes nothing", change)
		}
		if r, err := parseRecord(bad); err == nil {
			t.Errorf("%s was read as %+v", bad, r)
		}
	}
	for _, bad := range []string{"", "null", "[]", "{}", "\x00"} {
		if _, err := parseRecord([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
		if why := checkLine([]byte(bad), 0, new([32]byte)); why == "" {
			t.Errorf("%q passed", bad)
		}
	}
}

// A line that holds in full what may stand only redacted or digested beside a private argument was not written by a log, and is refused.
func TestUnguardedLine(t *testing.T) {
	d := private()
	body, err := appendEvent(nil, d, newKey())
	if err != nil {
		t.Fatal(err)
	}
	line := appendTail(body, 1, KindDecision, new([32]byte), time.Unix(0, 0))
	if _, err := parseRecord(line); err != nil {
		t.Fatal(err)
	}
	hmac := regexp.MustCompile(`"of":\{"hmac":"[0-9a-f]{64}"\}`)
	for _, bad := range [][]byte{
		hmac.ReplaceAll(line, []byte(`"of":{"full":"swordfish"}`)),
		bytes.Replace(line, []byte(`"detail":{"redacted":true}`), []byte(`"detail":{"full":"x"}`), 1),
		bytes.Replace(line, []byte(`"request":{"hmac"`), []byte(`"request":{"sha256"`), 1),
	} {
		if bytes.Equal(bad, line) {
			t.Fatal("nothing was changed")
		}
		if _, err := parseRecord(bad); err == nil {
			t.Errorf("read: %s", bad)
		}
	}
}

// Whatever is read is written as the same bytes.
func FuzzRecord(f *testing.F) {
	r := rand.New(rand.NewSource(2))
	for _, kind := range kinds {
		ev := newEvent(kind)
		fill(r, reflect.ValueOf(ev).Elem())
		line, err := appendEvent(nil, fixed(r, ev), nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(appendTail(line, 3, kind, new([32]byte), time.Unix(1, 0)))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		rec, err := parseRecord(line)
		if err != nil {
			return
		}
		again, err := appendEvent(nil, rec.Event, nil)
		if again = appendTail(again, rec.Index, rec.Kind, &rec.Prev, rec.Time); err != nil || !bytes.Equal(again, line) {
			t.Errorf("%v\n%s\n%s", err, line, again)
		}
		if why := checkLine(line, rec.Index, &rec.Prev); why != "" {
			t.Errorf("read, but %s: %s", why, line)
		}
	})
}

// A text is written as canonical JSON has it, whatever stands in it.
func TestQuote(t *testing.T) {
	texts := []string{"", `"`, `\`, `\"`, `a"b\c`, `""`, "\u2028", "\x7f", "é", "\U0001f600", "\ufffd"}
	for r := range rune(0x80) {
		texts = append(texts, string(r), `x"`+string(r)+`\y`)
	}
	for _, s := range texts {
		c := codec{out: []byte("before")}
		c.quote(s)
		if want := string(strictjson.Value{Kind: strictjson.String, Text: s}.AppendJSON([]byte("before"))); string(c.out) != want || c.err != nil {
			t.Errorf("%q: %s, %v; want %s", s, c.out, c.err, want)
		}
	}
	c := codec{out: []byte("before")}
	if c.quote("a\"\xff"); c.err == nil {
		t.Errorf("%s", c.out)
	}
}

// What isn't permitted changes nothing, and a record that says otherwise is none.
func TestHistoryOfPermitsAlone(t *testing.T) {
	for _, outcome := range []Outcome{Permit, Ask, Deny} {
		d := decision()
		d.Outcome, d.History = outcome, vectorHistory
		line, err := appendEvent(nil, d, newKey())
		if err != nil {
			t.Fatal(err)
		}
		_, err = parseRecord(appendTail(line, 1, KindDecision, new([32]byte), time.Unix(0, 0)))
		if (err == nil) != (outcome == Permit) || (d.check() == nil) != (outcome == Permit) {
			t.Errorf("%s: %v", outcome, err)
		}
	}
}
