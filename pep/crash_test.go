package pep_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/token"
)

// TestMain lets this binary stand in for a service: with MOAT_PEP_CRASH set it decides what comes on its standard input until it is killed.
func TestMain(m *testing.M) {
	if os.Getenv("MOAT_PEP_CRASH") != "" {
		serveUntilKilled()
		return
	}
	os.Exit(m.Run())
}

// serveUntilKilled reads lines: "message HEX", "revoke HEX", and says of each what it has acknowledged.
func serveUntilKilled() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	var p *pep.PEP
	for in.Scan() {
		word, rest, _ := strings.Cut(in.Text(), " ")
		data, _ := hex.DecodeString(rest)
		switch word {
		case "open":
			parts := strings.Split(rest, " ")
			policy, _ := hex.DecodeString(parts[2])
			trust, _ := hex.DecodeString(parts[3])
			logKey, err := audit.ParseKey(parts[4])
			if err == nil {
				var key token.Key
				if key, err = token.ParseKey(parts[1]); err == nil {
					p, err = pep.Open(pep.Config{Policy: policyOf(string(policy)), Trust: trust, Key: key, Dir: parts[0], LogKey: logKey, Create: parts[5] == "create"})
				}
			}
			fmt.Fprintln(out, "opened", err)
		case "message":
			a := p.Decide(context.Background(), data)
			if a.Ask != nil {
				fmt.Fprintf(out, "ask %s %s\n", a.Ask.Nonce, a.Ask.Request)
				break
			}
			fmt.Fprintln(out, a.Outcome, a.Code)
		case "revoke":
			fmt.Fprintln(out, "revoked", p.Revoke(data))
		}
		out.Flush()
	}
}

// A service is a PEP in a process of its own.
type service struct {
	t   *testing.T
	cmd *exec.Cmd
	in  *bufio.Writer
	out *bufio.Scanner
}

func (w *world) serve(t *testing.T, logSecret string, create bool) *service {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, cmd: exec.Command(exe)}
	s.cmd.Env = append(os.Environ(), "MOAT_PEP_CRASH=1")
	s.cmd.Stderr = os.Stderr
	in, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.in, s.out = bufio.NewWriter(in), bufio.NewScanner(out)
	mode := "open"
	if create {
		mode = "create"
	}
	s.send(fmt.Sprintf("open %s %s %x %x %s %s", w.cfg.Dir, w.cfg.Key, w.policy, w.cfg.Trust, logSecret, mode))
	if got := s.receive(); got != "opened <nil>" {
		t.Fatal(got)
	}
	return s
}

func (s *service) send(line string) {
	fmt.Fprintln(s.in, line)
	s.in.Flush()
}

func (s *service) receive() string {
	if !s.out.Scan() {
		return ""
	}
	return s.out.Text()
}

func (s *service) kill() {
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	_ = s.cmd.Wait()
}

// Killed in the middle of load and started again, a PEP accepts no message twice, and has forgotten no revocation and no used approval that it
// acknowledged.
func TestCrash(t *testing.T) {
	w := newWorld(t)
	w.pep.Close()
	w.clock.wall.Store(time.Now().UnixNano()) // the service has the system's clock
	secret, err := audit.GenerateKey("example.com/crash")
	if err != nil {
		t.Fatal(err)
	}
	w.cfg.Dir = t.TempDir()
	w.cfg.Trust = w.trustText(1)
	r := rand.New(rand.NewSource(3))
	kills := 20
	sequence := uint64(0)
	var accepted []string // permitted, in hex
	policy := w.pep.Policy().Digest()
	if w.trust, err = token.ParseTrust(w.cfg.Trust); err != nil {
		t.Fatal(err)
	}
	deliver := func(tool, args string, approvals ...[]byte) string {
		raw := w.token("coordinator")
		m := w.message(raw, "execute", "tool://"+tool, args)
		sequence++
		m.Sequence, m.Policy = sequence, policy
		d := &token.Delivery{Message: w.sign("coordinator", m), Token: raw, Approvals: approvals}
		return hex.EncodeToString(must[[]byte](t)(d.Encode()))
	}
	revokeList := func(n uint64, keys ...token.Key) string {
		now := time.Now().Truncate(time.Second)
		return hex.EncodeToString(must[[]byte](t)(token.SignRevocations(w.revoke, token.RevocationList{Realm: "test", Sequence: n, Issued: now, NextUpdate: now.Add(time.Hour), Keys: keys})))
	}
	revoked, used := uint64(0), []byte(nil)
	for round := range kills {
		w.clock.wall.Store(time.Now().UnixNano())
		s := w.serve(t, secret, round == 0)
		for _, old := range accepted {
			s.send("message " + old)
			if got := s.receive(); got != "deny unauthenticated" {
				t.Fatalf("round %d: a message that was accepted before the crash: %s", round, got)
			}
		}
		if used != nil {
			s.send("message " + deliver("pay", payment, used))
			if got := s.receive(); !strings.HasPrefix(got, "ask ") {
				t.Fatalf("round %d: an approval that was used before the crash: %s", round, got)
			}
		}
		if revoked > 1 {
			s.send("revoke " + revokeList(revoked-1, w.ids["mallory"].Key()))
			if got := s.receive(); !strings.Contains(got, "is known") {
				t.Fatalf("round %d: a list older than the acknowledged one: %s", round, got)
			}
		}
		s.send("revoke " + revokeList(revoked+1, w.ids["mallory"].Key()))
		if got := s.receive(); got != "revoked <nil>" {
			t.Fatal(got)
		}
		revoked++
		s.send("message " + deliver("pay", payment))
		var nonce, request string
		if n, err := fmt.Sscanf(s.receive(), "ask %s %s", &nonce, &request); n != 2 {
			t.Fatal(err)
		}
		used = w.approve("alice", (&pep.Ask{Nonce: must[token.ID](t)(token.ParseID(nonce)), Request: must[token.Digest](t)(token.ParseDigest(request)), Policy: policy, Trust: w.trust.Digest(),
			Expires: time.Now().Add(time.Hour).Truncate(time.Second)}).Approval("test", "big", time.Now()))
		s.send("message " + deliver("pay", payment, used))
		if got := s.receive(); got != "permit permit" {
			t.Fatal(got)
		}
		stop := time.After(time.Duration(r.Intn(30)) * time.Millisecond)
		killed := make(chan struct{})
		go func() { <-stop; s.kill(); close(killed) }()
		for {
			hexed := deliver("note", note)
			s.send("message " + hexed)
			got := s.receive()
			if got == "" {
				break
			}
			if got != "permit permit" {
				t.Fatal(got)
			}
			accepted = append(accepted, hexed)
		}
		<-killed
		if len(accepted) > 60 { // all are tried in each round
			accepted = accepted[len(accepted)-60:]
		}
	}
	if len(accepted) == 0 {
		t.Error("nothing was accepted between the crashes")
	}
	for r, err := range audit.Read(w.cfg.Dir+"/log", 0) {
		if err != nil {
			t.Fatalf("record %d: %v", r.Index, err)
		}
	}
	if _, err := audit.Verify(w.cfg.Dir+"/log", audit.VerifyOptions{}); err != nil {
		t.Errorf("the log doesn't verify: %v", err)
	}
}
