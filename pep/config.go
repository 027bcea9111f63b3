package pep

import (
	"context"
	"io/fs"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/token"
)

// A Config says what a PEP decides by and where it keeps what it must not forget. Policy, Trust, Key, Dir and LogKey are required; the rest
// has defaults.
type Config struct {
	// Policy is where the policy is read from, at the start and by Reload: [Dir] or [FS].
	Policy Source
	// Trust is the text of the trust document; see [token.ParseTrust]. PEP.SetTrust replaces it.
	Trust []byte
	// Key is the PEP's name: messages for another recipient are refused. It signs nothing here.
	Key token.Key
	// Dir holds the log, in log/, and the state, in state.db. One PEP at a time can use it.
	Dir string
	// LogKey signs the checkpoints of the log.
	LogKey *audit.Key
	// Create makes the log and the state where there is neither. Without it a PEP whose files are gone doesn't start, since it
	// couldn't tell which messages and approvals have been used, and what has been revoked.
	Create bool

	// Facts asks the host what it knows about a request; nil when it knows nothing but the time. What it returns of time, authority,
	// attestations and approvals is replaced by what was verified here. An error denies.
	Facts func(ctx context.Context, call Call) (eval.Facts, error)
	// Rollover is for how long after a change of the policy or the trust document messages that name the one before still count. They are decided
	// by both, and the narrower answer is given. By default not at all; at most MaxRollover.
	Rollover time.Duration
	// OnCheckpoint is given every signed checkpoint of the log, to be kept where whoever can write the log can't.
	OnCheckpoint func(signed []byte)
	// Clock is the time. The zero Clock is the system's.
	Clock Clock
	// TokenCache bounds the memory of verified tokens; see [token.Options].
	TokenCache int
	// FS is the file system of the log; nil for the operating system's.
	FS audit.FS
	// Program names whoever embeds the PEP, in the log.
	Program string
}

// A Call is a request whose sender has been authenticated.
type Call struct {
	Sender  token.Key
	Chain   *token.Chain // nil when the token doesn't hold; the answer is then a deny whatever the facts are
	Request eval.Request
}

// Bounds.
const (
	// MaxAge is how far a message's time may be from the PEP's, either way.
	MaxAge = 60 * time.Second
	// MaxRollover bounds Config.Rollover.
	MaxRollover = 24 * time.Hour
	// AskTTL is for how long an ask can be answered by approvals.
	AskTTL = 24 * time.Hour
	// MaxAsks bounds the asks of one sender that wait, and MaxAllAsks those of all.
	MaxAsks    = 64
	MaxAllAsks = 4096
	// MaxSenders bounds the senders that are remembered at a time: those that sent something in the last five minutes.
	MaxSenders = 1 << 20
	// JunkEvery is how often unauthenticated messages are counted in the log, if there were any.
	JunkEvery = 10 * time.Second
)

// A Source is where a policy is read from. Its load returns nil and the mistakes when the policy doesn't check.
type Source interface {
	load() (*lang.Program, lang.Diagnostics)
}

// Dir reads the policy in a directory, or in one file; see [lang.Load].
func Dir(path string) Source { return dirSource(path) }

// FS reads the policy in a directory of a file system, such as an [embed.FS]; see [lang.LoadFS].
func FS(fsys fs.FS, dir string) Source { return fsSource{fsys, dir} }

type dirSource string

func (s dirSource) load() (*lang.Program, lang.Diagnostics) { return lang.Load(string(s)) }

type fsSource struct {
	fsys fs.FS
	dir  string
}

func (s fsSource) load() (*lang.Program, lang.Diagnostics) { return lang.LoadFS(s.fsys, s.dir) }
