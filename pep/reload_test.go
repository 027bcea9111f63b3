package pep_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/token"
)

// A reload puts a new policy in force for the next decision; a broken one is refused with its mistakes, and the old one goes on.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	w := started(t, func(c *pep.Config) {
		c.Policy = pep.Dir(dir)
		write(t, dir, replace(teamPolicy, "ISSUER", "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"))
	})
	text := string(must[[]byte](t)(os.ReadFile(filepath.Join(dir, "policy.moat"))))
	w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)

	write(t, dir, text+"\nforbid closed: any to execute on tool note\nforbid closed: any to read on any\n")
	before := w.pep.Policy().Digest()
	if err := w.pep.Reload(); err == nil || !strings.Contains(err.Error(), "declared twice") {
		t.Errorf("a broken policy: %v", err)
	}
	if w.pep.Policy().Digest() != before {
		t.Error("a broken policy is in force")
	}
	w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)

	old := w.delivery("note", note, "coordinator")
	write(t, dir, text+"\nforbid closed: any to execute on tool note\n")
	if err := w.pep.Reload(); err != nil {
		t.Fatal(err)
	}
	w.expect(w.delivery("note", note, "coordinator"), eval.Deny, eval.CodeForbidden)
	w.expect(old, eval.Deny, pep.CodePolicyMismatch)
	write(t, dir, "// another layout\n"+text+"\nforbid closed: any to execute on tool note\n")
	records := len(w.records())
	if err := w.pep.Reload(); err != nil || len(w.records()) != records {
		t.Errorf("a policy that means the same: %v, %d records more", err, len(w.records())-records)
	}
	changes := 0
	for _, r := range w.records() {
		if _, ok := r.Event.(*audit.PolicyChange); ok {
			changes++
		}
	}
	if changes != 1 {
		t.Errorf("%d changes of the policy are in the log", changes)
	}
}

func write(t testing.TB, dir, policy string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "policy.moat"), []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
}

// P11, the digests' part: in the window after a change, a message that names what was in force before is decided by both, and the narrower answer is
// given; behind the window it is refused.
func TestP11Rollover(t *testing.T) {
	dir := t.TempDir()
	base := replace(teamPolicy, "ISSUER", "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH")
	w := started(t, func(c *pep.Config) { c.Policy, c.Rollover = pep.Dir(dir), time.Minute; write(t, dir, base) })
	stale := func() *token.Delivery { return w.delivery("note", note, "coordinator") }
	first := []*token.Delivery{stale(), stale(), stale()}
	write(t, dir, base+"permit more: deployer to execute on tool note\n")
	if err := w.pep.Reload(); err != nil {
		t.Fatal(err)
	}
	second := []*token.Delivery{w.delivery("note", note, "deployer"), stale()}
	w.expect(first[0], eval.Permit, eval.CodePermit)
	w.expect(second[0], eval.Permit, eval.CodePermit)
	// A message under the old digest doesn't get what only the new policy permits.
	m := must[*token.Message](t)(token.OpenMessage(w.delivery("note", note, "deployer").Message))
	old := must[*token.Message](t)(token.OpenMessage(first[1].Message))
	m.Policy = old.Policy
	raw := w.token("deployer")
	_, digest, _ := token.Claimed(raw)
	m.Token = digest
	w.expect(&token.Delivery{Message: w.sign("deployer", *m), Token: raw}, eval.Deny, eval.CodeNoPermit)

	write(t, dir, base+"forbid closed: any to execute on tool note\n")
	if err := w.pep.Reload(); err != nil {
		t.Fatal(err)
	}
	w.expect(second[1], eval.Deny, eval.CodeForbidden)
	w.expect(first[1], eval.Deny, pep.CodePolicyMismatch) // two changes back
	w.clock.pass(time.Minute)
	m.Policy, m.Time, m.Sequence = w.pep.Policy().Digest(), w.clock.now(), 1<<20
	w.expect(&token.Delivery{Message: w.sign("deployer", *m), Token: raw}, eval.Deny, eval.CodeForbidden)
	m.Policy, m.Sequence = must[*token.Message](t)(token.OpenMessage(second[0].Message)).Policy, 1<<20+1
	w.expect(&token.Delivery{Message: w.sign("deployer", *m), Token: raw}, eval.Deny, pep.CodePolicyMismatch)
}

// L01, the trust document's part: an older one is refused, while the PEP runs and when it starts; so is another one under the same number. A name that is bound
// to another key makes tokens of the old one another's.
func TestL01TrustDocument(t *testing.T) {
	w := started(t)
	if err := w.pep.SetTrust(w.trustText(5)); err != nil {
		t.Fatal(err)
	}
	w.trust = w.pep.Trust()
	w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	if err := w.pep.SetTrust(w.trustText(4)); !errors.Is(err, token.Rollback) {
		t.Errorf("an older document: %v", err)
	}
	thief := w.ids["mallory"]
	coordinator := w.ids["coordinator"]
	w.ids["coordinator"], w.ids["mallory"] = thief, coordinator
	if err := w.pep.SetTrust(w.trustText(5)); !errors.Is(err, token.Equivocation) {
		t.Errorf("another document under the same number: %v", err)
	}
	w.ids["coordinator"], w.ids["mallory"] = coordinator, thief
	w.pep.Close()
	w.cfg.Create = false
	if p, err := pep.Open(w.cfg); !errors.Is(err, token.Rollback) { // it has number 1
		p.Close()
		t.Errorf("starts with an older document: %v", err)
	}
	w.cfg.Trust = w.trustText(5)
	w.open()
	w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
}

// faults is the operating system's file system, until it fails.
type faults struct {
	audit.FS
	write, sync atomic.Bool
}

type faultyFile struct {
	audit.File
	on *faults
}

var errDisk = errors.New("no space left on device")

func (f *faults) OpenFile(name string, flag int, perm fs.FileMode) (audit.File, error) {
	file, err := f.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return faultyFile{file, f}, nil
}

func (f faultyFile) Write(p []byte) (int, error) {
	if f.on.write.Load() {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, errDisk
	}
	return f.File.Write(p)
}

func (f faultyFile) Sync() error {
	if f.on.sync.Load() {
		return errDisk
	}
	return f.File.Sync()
}

// P13: when the log can't be written, or the disk can't be made to keep it, the answer is deny, and stays so when the disk works again.
func TestP13LogFails(t *testing.T) {
	for name, fault := range map[string]func(*faults) *atomic.Bool{
		"write": func(f *faults) *atomic.Bool { return &f.write },
		"sync":  func(f *faults) *atomic.Bool { return &f.sync },
	} {
		f := &faults{FS: audit.OS()}
		w := started(t, func(c *pep.Config) { c.FS = f })
		d := w.delivery("note", note, "coordinator")
		w.expect(d, eval.Permit, eval.CodePermit)
		fault(f).Store(true)
		lost := w.delivery("note", note, "coordinator")
		a := w.expect(lost, eval.Deny, pep.CodeNotRecorded)
		if !errors.Is(a.Reason, errDisk) || a.Index != 0 {
			t.Errorf("%s: %v, record %d", name, a.Reason, a.Index)
		}
		fault(f).Store(false)
		w.expect(w.delivery("note", note, "coordinator"), eval.Deny, pep.CodeNotRecorded)
		if err := w.revocations(token.RevocationList{Sequence: 2, Keys: []token.Key{w.ids["mallory"].Key()}}); err == nil {
			t.Errorf("%s: a revocation is acknowledged that can't be written down", name)
		}
		w.pep.Close()
		w.cfg.Create = false
		w.cfg.FS = audit.OS()
		w.open()
		w.nobody(d, nil)
		w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
		w.expect(w.delivery("note", note, "coordinator", "mallory"), eval.Deny, pep.CodeToken+"revoked") // it wasn't acknowledged, and is kept all the same
	}
}

// P13, the state's part: when an approval can't be made used up, it isn't used.
func TestP13StateFails(t *testing.T) {
	w := started(t)
	ask, _ := w.ask(payment, "coordinator")
	approval := w.approve("alice", ask.Approval("test", "big", w.clock.now()))
	if err := pep.BreakState(w.pep); err != nil {
		t.Fatal(err)
	}
	w.expect(w.again(payment, [][]byte{approval}, "coordinator"), eval.Deny, pep.CodeNotRecorded)
	w.expect(w.delivery("pay", `{"to": "b@example.com", "amount": 2.00}`, "coordinator"), eval.Deny, pep.CodeNotRecorded)
	if err := w.revocations(token.RevocationList{Sequence: 2}); err == nil {
		t.Error("a revocation is acknowledged that can't be kept")
	}
}

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	base := replace(teamPolicy, "ISSUER", "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH")
	w := started(t, func(c *pep.Config) { c.Policy = pep.Dir(dir); write(t, dir, base) })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	reports := make(chan error, 8)
	go w.pep.Watch(ctx, time.Second, func(err error) { reports <- err })
	write(t, dir, base+"nonsense\n")
	select {
	case err := <-reports:
		if !strings.Contains(err.Error(), "nonsense") {
			t.Errorf("%v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a broken policy isn't reported")
	}
	old := w.pep.Policy().Digest()
	write(t, dir, base+"forbid closed: any to execute on tool note\n")
	for end := time.Now().Add(10 * time.Second); w.pep.Policy().Digest() == old; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the new policy isn't in force")
		}
	}
	w.expect(w.delivery("note", note, "coordinator"), eval.Deny, eval.CodeForbidden)
}
