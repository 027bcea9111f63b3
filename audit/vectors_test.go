package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/moat-lang/moat/strictjson"
)

const vectors = "../spec/vectors/audit"

// A tampering changes one byte of the vectors' log.
type tampering struct {
	File  string `json:"file"`
	At    int    `json:"at"`
	To    byte   `json:"to"`
	Entry uint64 `json:"entry"` // the first bad one
}

// vectorHistory is what a decision of the vectors has changed, a change of each kind; the total of the second sum is of a private argument.
var vectorHistory = []HistoryChange{
	{Of: "0b3dd40a9b1f02a5c1c2f8a8d5b7e6f1", Agent: "assistant", Kind: "count", Time: time.Unix(1790000060, 0).UTC()},
	{Of: "1c4ee51bac2013b6d2d309b9e6c8f702", Agent: "assistant", Kind: "sum", Part: 1_350_000_000_000, Time: time.Unix(1789999650, 0).UTC(), Total: "20.5"},
	{Of: "2d5ff62cbd3124c7e3e41acaf7d90813", Session: "s-17", Kind: "sum", Time: time.Unix(0, 0).UTC()},
	{Of: "3e60073dce4235d8f4f52bdb08ea1924", Agent: "assistant", Kind: "once", Time: time.Unix(1790000000, 0).UTC()},
	{Of: "4f71184edf5346e905063cec19fb2a35", Session: "s-17", Kind: "maybe", Time: time.Unix(1790000000, 0).UTC()},
	{Of: "5082295fe06457fa16174dfd2a0c3b46", Agent: "assistant", Kind: "state", State: "open"},
}

// The vectors in spec/ are what this package reads, and refuses. UPDATE=1 makes them anew; keys and digests then change.
func TestVectors(t *testing.T) {
	if os.Getenv("UPDATE") != "" {
		makeVectors(t)
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(vectors, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	log, err := ParsePublic(string(read("log.pub")))
	if err != nil {
		t.Fatal(err)
	}
	w, err := ParsePublic(string(read("witness.pub")))
	if err != nil {
		t.Fatal(err)
	}
	old, err := OpenCheckpoint(read("older.checkpoint"), log, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	last, err := OpenCheckpoint(read("cosigned.checkpoint"), log, []*Public{w}, 1)
	if err != nil {
		t.Fatal(err)
	}
	v, err := Verify(filepath.Join(vectors, "log"), VerifyOptions{Against: []*Signed{old, last}})
	if err != nil || v.Root != last.Root || v.Segments < 2 {
		t.Fatal(v, err)
	}
	if _, err := CheckConsistency(read("consistency.txt"), old, log, []*Public{w}, 1); err != nil {
		t.Error(err)
	}
	if r, _, err := CheckInclusion(read("record.tlog-proof"), log, []*Public{w}, 1); err != nil || r.Kind != KindDecision {
		t.Error(r, err)
	}
	if _, err := OpenCheckpoint(read("fork.checkpoint"), log, nil, 0); err != nil {
		t.Error(err)
	} else if f, _ := OpenCheckpoint(read("fork.checkpoint"), log, nil, 0); f.Size != last.Size || f.Root == last.Root {
		t.Errorf("%+v is no fork of %+v", f, last)
	} else if _, err := Verify(filepath.Join(vectors, "log"), VerifyOptions{Against: []*Signed{f}}); err == nil {
		t.Error("the fork is satisfied")
	}
	var key *segmentKey
	var history []HistoryChange
	for r, err := range Read(filepath.Join(vectors, "log"), 0) {
		if err != nil {
			t.Fatal(err)
		}
		switch ev := r.Event.(type) {
		case *Segment:
			if key, err = readKey(OS(), filepath.Join(vectors, "log", keysDir), r.Index, ev.Key); err != nil {
				t.Fatal(err)
			}
		case *Decision:
			history = append(history, ev.History...)
			for _, a := range ev.Args {
				if a.Name == "body" && a.HMAC != key.sum(labelValue, `"swordfish"`) {
					t.Errorf("record %d: the digest isn't that of the vectors' value", r.Index)
				}
			}
		}
	}
	if !reflect.DeepEqual(history, vectorHistory) {
		t.Errorf("%+v was changed in the history", history)
	}
	var cases []tampering
	if err := json.Unmarshal(read("tampered.json"), &cases); err != nil || len(cases) < 20 {
		t.Fatal(len(cases), err)
	}
	mem := readMem(t, filepath.Join(vectors, "log"))
	for _, c := range cases {
		data := mem.files[filepath.Join(vectors, "log", c.File)]
		was := data[c.At]
		data[c.At] = c.To
		var bad *BrokenError
		if _, err := Verify(filepath.Join(vectors, "log"), VerifyOptions{Against: []*Signed{last}, FS: mem}); !errors.As(err, &bad) || bad.Index != c.Entry {
			t.Errorf("%+v: %v", c, err)
		}
		data[c.At] = was
	}
}

func makeVectors(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(vectors); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(vectors, "log")
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(vectors, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := &sample{key: testKey(t)}
	w := newWitness("witness.example/vectors")
	fill := func(dir string, outcome string) []byte {
		l := mustOpen(t, dir, Options{Key: s.key, SegmentBytes: 3000, Now: steadyClock()})
		mustAppend(t, l, &Start{Program: "moat", Realm: "example"}, private())
		d := decision()
		d.Args[1] = Argument{"amount", Shown("9007199254740993")}
		mustAppend(t, l, d, &Effect{Decision: 3, Agent: "assistant", Action: "send", Outcome: outcome, Resource: Shown("https://example.com/")})
		older, err := l.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			mustAppend(t, l, number(i))
		}
		d = private()
		d.Args = d.Args[:1]
		counted := decision()
		counted.History = vectorHistory
		mustAppend(t, l, d, counted, &Stop{Reason: "closed"})
		mustClose(t, l)
		return older
	}
	if err := os.MkdirAll(vectors, 0o755); err != nil {
		t.Fatal(err)
	}
	older := fill(dir, "ok")
	forked := t.TempDir()
	fill(forked, "failed")
	fork, err := os.ReadFile(filepath.Join(forked, checkpointFile))
	if err != nil {
		t.Fatal(err)
	}
	note, err := os.ReadFile(filepath.Join(dir, checkpointFile))
	if err != nil {
		t.Fatal(err)
	}
	signed := s.open(t, note)
	cosigned := append(bytes.Clone(note), w.line(note, 1_790_000_000)...)
	proof, err := ProveInclusion(dir, 3, cosigned)
	if err != nil {
		t.Fatal(err)
	}
	consistency, err := ProveConsistency(dir, s.open(t, older).Size, cosigned)
	if err != nil {
		t.Fatal(err)
	}
	write("log.pub", []byte(s.key.Public()+"\n"))
	write("witness.pub", []byte(w.vkey()+"\n"))
	write("older.checkpoint", older)
	write("cosigned.checkpoint", cosigned)
	write("fork.checkpoint", fork)
	write("record.tlog-proof", proof)
	write("consistency.txt", consistency)
	mem := readMem(t, dir)
	r := rand.New(rand.NewSource(3))
	segments, _ := listSegments(OS(), dir)
	var cases []tampering
	for len(cases) < 40 {
		name := segmentName(segments[r.Intn(len(segments))])
		data := mem.files[filepath.Join(dir, name)]
		c := tampering{File: name, At: r.Intn(len(data)), To: byte(' ' + r.Intn(95))}
		was := data[c.At]
		if was == c.To || was == '\n' {
			continue
		}
		data[c.At] = c.To
		var bad *BrokenError
		if _, err := Verify(dir, VerifyOptions{Against: []*Signed{signed}, FS: mem}); !errors.As(err, &bad) {
			t.Fatal(err)
		}
		data[c.At], c.Entry = was, bad.Index
		cases = append(cases, c)
	}
	text, err := json.MarshalIndent(cases, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	write("tampered.json", append(text, '\n'))
	write("README.md", []byte(`# Vectors of the audit log

`+"`log`"+` is a log (spec/AUDIT.md) in several segments, with the keys of the segments; a digested argument is the HMAC of the text `+"`\"swordfish\"`"+`, quotes included. A verifier
accepts it, against both `+"`older.checkpoint`"+` and `+"`cosigned.checkpoint`"+`, with the keys `+"`log.pub`"+` and `+"`witness.pub`"+`. It refuses it against `+"`fork.checkpoint`"+`, which the same key signed. One decision has a change of each kind in `+"`history`"+`.

`+"`record.tlog-proof`"+` proves record 3, `+"`consistency.txt`"+` that the log goes on from the older checkpoint. Each case in `+"`tampered.json`"+` sets one byte of a file; a verifier has to find it, and to
name the entry.
`))
	if err := os.Remove(filepath.Join(dir, lockFile)); err != nil {
		t.Fatal(err)
	}
}

// Section 9 of the specification has a row for every kind, with all its members, and no other.
func TestSpecifiedEvents(t *testing.T) {
	text, err := os.ReadFile("../spec/AUDIT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## 9 Events\n")
	section, _, ok2 := strings.Cut(section, "\n## 10")
	if !ok || !ok2 {
		t.Fatal("there is no section 9")
	}
	quoted := regexp.MustCompile("`([a-z0-9_]+)`")
	words := func(s string) map[string]bool {
		out := map[string]bool{}
		for _, m := range quoted.FindAllStringSubmatch(s, -1) {
			out[m[1]] = true
		}
		return out
	}
	rows := map[string]map[string]bool{}
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			for kind := range words(cells[1]) {
				rows[kind] = words(cells[2])
			}
		}
	}
	r := rand.New(rand.NewSource(4))
	for _, kind := range kinds {
		ev := newEvent(kind)
		have := map[string]bool{}
		for range 20 {
			fill(r, reflect.ValueOf(ev).Elem())
			line, err := appendEvent(nil, ev, newKey())
			if err != nil {
				t.Fatal(err)
			}
			line = appendTail(line, 1, kind, new([32]byte), time.Unix(0, 0))
			doc, err := strictjson.Parse(line, strictjson.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			event, _ := doc.Get("event")
			for _, m := range event.Members {
				have[m.Name] = true
				if !rows[string(kind)][m.Name] {
					t.Errorf("section 9 doesn't have the member %s of %s", m.Name, kind)
				}
			}
		}
		for name := range rows[string(kind)] {
			if nested := (kind == KindDecision || kind == KindCheckpoint); !have[name] && !nested {
				t.Errorf("section 9 has a member %s of %s, which there isn't", name, kind)
			}
		}
	}
	if len(rows) != len(kinds)+1 { // facts have a row of their own
		t.Errorf("section 9 has %d kinds, the package %d: %s", len(rows), len(kinds), fmt.Sprint(rows))
	}
}
