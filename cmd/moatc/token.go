package main

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/report"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/token"
)

func newToken() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Mint, narrow, verify and show capability tokens",
		Long: `Token works on capability tokens: chains of signed blocks, each of which gives its audience at most what its parent had.

A token is text that begins with moat1_. It is no secret and no bearer credential: only the audience, which has the key, can use it.`,
		Example: `  moatc token inspect policies/multi-agent/reviewer.token`,
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(newTokenRoot(), newTokenAttenuate(), newTokenVerify(), newTokenInspect())
	return cmd
}

// A blockFlags is what the command line says of a new block.
type blockFlags struct {
	signer
	audience, policy, caveatTool, out string
	grants, denials, limits, caveats  []string
	depth                             int
}

func (f *blockFlags) flags(cmd *cobra.Command) {
	f.signer.flags(cmd)
	cmd.Flags().StringVar(&f.audience, "audience", "", "who may use the token: a did:key, or a key file")
	cmd.Flags().StringArrayVar(&f.grants, "grant", nil, "ACTION[,ACTION…]=PATTERN; may be repeated")
	cmd.Flags().StringArrayVar(&f.denials, "deny", nil, "ACTION[,ACTION…]=PATTERN; may be repeated")
	cmd.Flags().StringArrayVar(&f.limits, "limit", nil, "NAME=NUMBER: fuel in instructions, memory in bytes, timeout in milliseconds; may be repeated")
	cmd.Flags().StringArrayVar(&f.caveats, "caveat", nil, "a condition that every use must meet; needs --policy for the types in it; may be repeated")
	cmd.Flags().StringVar(&f.caveatTool, "caveat-tool", "", "the tool whose arguments the caveats speak of")
	cmd.Flags().StringVar(&f.policy, "policy", "", "the policy that caveats take their types from")
	cmd.Flags().IntVar(&f.depth, "depth", 0, "how many blocks may follow")
	cmd.Flags().StringVar(&f.out, "out", "", "where to write the token (default: standard output)")
	mustFlag(cmd, "audience")
}

// fill sets what the flags say.
func (f *blockFlags) fill(cmd *cobra.Command, b *token.Block) (err error) {
	if b.Audience, err = readKey(f.audience); err != nil {
		return err
	}
	if b.ID, err = token.NewID(rand.Reader); err != nil {
		return err
	}
	b.Depth = f.depth
	if b.Denials, err = parseGrants(cmd, "--deny", f.denials); err != nil {
		return err
	}
	if len(f.grants) > 0 {
		if b.Grants, err = parseGrants(cmd, "--grant", f.grants); err != nil {
			return err
		}
	}
	for _, s := range f.limits {
		name, number, _ := strings.Cut(s, "=")
		l, ok := token.ParseLimit(name)
		n, err := strconv.ParseUint(number, 10, 64)
		if !ok || err != nil {
			return usageError(cmd, "--limit %s is not NAME=NUMBER, where the name is one of fuel, memory, timeout", s)
		}
		b.Limits = b.Limits.With(l, n)
	}
	if len(f.caveats) == 0 {
		return nil
	}
	if f.policy == "" {
		return usageError(cmd, "a caveat needs --policy, for the types of the names in it")
	}
	p, diags := lang.Load(f.policy)
	if p == nil {
		printDiagnostics(cmd, diags)
		return exit(gravest(exitInvalid, exitDiagnostics(diags)))
	}
	program := eval.New(p)
	for _, condition := range f.caveats {
		text, err := eval.NewCaveat(program, f.caveatTool, condition)
		if err != nil {
			return &exitError{exitInvalid, fmt.Sprintf("the caveat %s: %s", report.Escape(condition), err)}
		}
		b.Caveats = append(b.Caveats, string(text))
	}
	return nil
}

// parseGrants reads grants as in read,list=file:///srv/**.
func parseGrants(cmd *cobra.Command, flag string, texts []string) (gs []token.Grant, err error) {
	for _, s := range texts {
		actions, pattern, ok := strings.Cut(s, "=")
		if !ok || actions == "" {
			return nil, usageError(cmd, "%s %s is not ACTION[,ACTION…]=PATTERN, as in read,list=file:///srv/**", flag, s)
		}
		p, err := token.ParsePattern(pattern)
		if err != nil {
			return nil, &exitError{exitInvalid, fmt.Sprintf("%s: %s", flag, err)}
		}
		gs = append(gs, token.Grant{Actions: strings.Split(actions, ","), Resources: []*resource.Pattern{p}})
	}
	return gs, nil
}

func newTokenRoot() *cobra.Command {
	var f blockFlags
	var v validity
	var realm string
	cmd := &cobra.Command{
		Use:   "root --key FILE --realm REALM --audience KEY --grant ACTIONS=PATTERN",
		Short: "Mint a token",
		Long: `Token root signs the first block of a token with a key of the role root. What it may grant is for the trust document of whoever
verifies to say.

Exit codes: 0 done, 1 the command line is wrong or a file can't be read or written, 3 what is asked for is invalid.`,
		Example: `  moatc identity new --role root --out ops.key
  moatc identity new --role agent --out planner.key
  moatc token root --key ops.key --realm prod --audience planner.key --grant read,list=file:///srv/** --depth 2 --out planner.token`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := token.Block{Realm: realm}
			if err := f.fill(cmd, &b); err != nil {
				return err
			}
			var err error
			if b.NotBefore, b.Expires, err = v.window(cmd); err != nil {
				return err
			}
			id, err := f.identity(cmd)
			if err != nil {
				return err
			}
			raw, err := token.Mint(id, b)
			if err != nil {
				return f.refusal(err)
			}
			return writeSigned(cmd, f.out, raw)
		},
	}
	f.flags(cmd)
	v.flags(cmd, "1h")
	cmd.Flags().StringVar(&realm, "realm", "", "the deployment that the token is for")
	mustFlag(cmd, "realm")
	mustFlag(cmd, "grant")
	return cmd
}

func newTokenAttenuate() *cobra.Command {
	var f blockFlags
	var v validity
	cmd := &cobra.Command{
		Use:   "attenuate --key FILE --audience KEY [--grant ACTIONS=PATTERN] TOKEN | -",
		Short: "Hand on a part of what a token gives",
		Long: `Token attenuate appends a block to the token in the file TOKEN (- for standard input), signed with the key of its audience. It
needs no connection to anybody. Without --grant the child keeps the grants of its parent, without --ttl its time.

What would be wider than the parent is refused, with a resource that the child would reach and its parent doesn't: nobody would
accept it.

Exit codes: 0 done, 1 the command line is wrong or a file can't be read or written, 3 the token is invalid, or the child is.`,
		Example: `  moatc identity new --role root --out issuer.key
  moatc identity new --role agent --out coordinator.key
  moatc identity new --role agent --out crawler.key
  moatc token root --key issuer.key --realm prod --audience coordinator.key --grant read=file:///srv/** --depth 1 --out wide.token
  moatc token attenuate --key coordinator.key --audience crawler.key --grant read=file:///srv/kb/** --out narrow.token wide.token
  moatc token inspect narrow.token`,
		Args: oneToken,
		RunE: func(cmd *cobra.Command, args []string) error {
			parent, err := readSigned(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			blocks, err := token.Inspect(parent)
			if err != nil {
				return refusal(args[0], err)
			}
			last := &blocks[len(blocks)-1]
			b := token.Block{Grants: last.Grants, NotBefore: last.NotBefore, Expires: last.Expires}
			if err := f.fill(cmd, &b); err != nil {
				return err
			}
			if v.ttl != "" || v.from != "" {
				if v.ttl == "" {
					return usageError(cmd, "--not-before needs --ttl")
				}
				if b.NotBefore, b.Expires, err = v.window(cmd); err != nil {
					return err
				}
			}
			id, err := f.identity(cmd)
			if err != nil {
				return err
			}
			raw, err := token.Attenuate(parent, id, b)
			if err != nil {
				return f.refusal(err)
			}
			return writeSigned(cmd, f.out, raw)
		},
	}
	f.flags(cmd)
	v.flags(cmd, "")
	return cmd
}

func oneToken(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError(cmd, "name one file with a token, or - for standard input")
	}
	return nil
}

func newTokenVerify() *cobra.Command {
	var trustFile, at string
	var lists []string
	cmd := &cobra.Command{
		Use:   "verify --trust TRUST.json [--revocations LIST] TOKEN | -",
		Short: "Verify a token as an enforcement point does",
		Long: `Token verify holds a token against a trust document, which says whose tokens count and for what, and against revocation lists. It
prints who may use the token and until when. Whether a request is allowed is for the policy: see moatc eval.

Exit codes: 0 valid, 1 a file can't be read, 3 the token is refused, or the trust document or a list is invalid. The reason stands
in brackets behind the error; spec/TOKEN.md lists them.`,
		Example: `  moatc token verify --trust policies/multi-agent/trust.json --at 2026-03-01T12:10:00Z policies/multi-agent/reviewer.token`,
		Args:    oneToken,
		RunE: func(cmd *cobra.Command, args []string) error {
			trust, err := readTrust(trustFile)
			if err != nil {
				return err
			}
			terms := token.Terms{Trust: trust, Now: time.Now()}
			if at != "" {
				if terms.Now, err = time.Parse(time.RFC3339, at); err != nil {
					return usageError(cmd, "--at %s is no time such as 2026-03-01T12:00:00Z", at)
				}
			}
			for _, name := range lists {
				raw, err := readSigned(cmd.InOrStdin(), name)
				if err != nil {
					return err
				}
				list, err := token.OpenRevocations(raw)
				if err == nil {
					terms.Revoked, err = terms.Revoked.With(trust, list)
				}
				if err != nil {
					return refusal(name, err)
				}
			}
			raw, err := readSigned(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			c, err := new(token.Verifier).Verify(raw, terms)
			if err != nil {
				return refusal(args[0], err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "valid until %s for %s\n", c.Expires().Format(time.RFC3339), named(trust, c.Audience()))
			return err
		},
	}
	cmd.Flags().StringVar(&trustFile, "trust", "", "the trust document")
	cmd.Flags().StringArrayVar(&lists, "revocations", nil, "a revocation list; may be repeated")
	cmd.Flags().StringVar(&at, "at", "", "the time to verify at, as in 2026-03-01T12:00:00Z (default: now)")
	mustFlag(cmd, "trust")
	return cmd
}

// named shows a key, with its name if it has one.
func named(trust *token.Trust, k token.Key) string {
	if trust != nil {
		if name, ok := trust.Name(k); ok {
			return fmt.Sprintf("%s (%s)", name, k)
		}
	}
	return k.String()
}
