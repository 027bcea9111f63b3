package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/report"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/token"
)

func newTokenInspect() *cobra.Command {
	var trustFile string
	cmd := &cobra.Command{
		Use:   "inspect [--trust TRUST.json] TOKEN | -",
		Short: "Show what a token gives, and what each link took away",
		Long: `Token inspect shows the chain of a token as a tree, root first: what the root gave, what each block took away, and what is left for
the audience. With --trust keys are shown with their names.

The form of the token, its signatures and that each block is narrower than its parent are checked; whether its root is trusted,
whether it has expired and whether it is revoked are not: that is for moatc token verify.

Exit codes: 0 done, 1 a file can't be read, 3 the token is malformed, or a block wider than its parent.`,
		Example: `  moatc token inspect policies/multi-agent/reviewer.token
  moatc token inspect --trust policies/multi-agent/trust.json policies/multi-agent/reviewer.token`,
		Args: oneToken,
		RunE: func(cmd *cobra.Command, args []string) error {
			var trust *token.Trust
			if trustFile != "" {
				var err error
				if trust, err = readTrust(trustFile); err != nil {
					return err
				}
			}
			raw, err := readSigned(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			blocks, err := token.Inspect(raw)
			if err != nil {
				return refusal(args[0], err)
			}
			_, err = io.WriteString(cmd.OutOrStdout(), tree(blocks, trust))
			return err
		},
	}
	cmd.Flags().StringVar(&trustFile, "trust", "", "a trust document, for names")
	return cmd
}

// A treePrinter prints a chain, one level of indentation for each block.
type treePrinter struct {
	strings.Builder
	indent string
}

func (p *treePrinter) line(format string, args ...any) {
	text := strings.TrimSuffix(fmt.Sprintf(format, args...), "\n")
	for i, part := range strings.Split(text, "\n") {
		if i > 0 {
			part = "      " + part
		}
		p.WriteString(p.indent + report.Escape(part) + "\n")
	}
}

// tree shows a chain and what is left at its end.
func tree(blocks []token.Block, trust *token.Trust) string {
	p := &treePrinter{}
	p.line("%s, the root, for the realm %s", named(trust, blocks[0].Issuer), blocks[0].Realm)
	for i := range blocks {
		b := &blocks[i]
		p.line("└─ %s", named(trust, b.Audience))
		p.indent += "   "
		p.line("block %d, %s", i, b.ID)
		if i == 0 {
			for _, g := range b.Grants {
				p.line("+ %s", g)
			}
			p.line("+ %s", validFor(b))
			p.line("+ %s", mayFollow(b.Depth))
		} else {
			p.taken(&blocks[i-1], b)
		}
		for _, g := range b.Denials {
			p.line("- %s, by denial", g)
		}
		for _, l := range token.AllLimits() {
			if v, ok := b.Limits.Get(l); ok {
				p.line("- all %s beyond %d", l, v)
			}
		}
		for _, c := range b.Caveats {
			p.line("- all but when a caveat holds:\n%s", condition(c))
		}
	}
	p.indent = ""
	p.effective(blocks, trust)
	return p.String()
}

func validFor(b *token.Block) string {
	return fmt.Sprintf("from %s until %s", b.NotBefore.Format(time.RFC3339), b.Expires.Format(time.RFC3339))
}

func mayFollow(n int) string {
	switch n {
	case 0:
		return "no block may follow"
	case 1:
		return "one block may follow"
	}
	return fmt.Sprintf("%d blocks may follow", n)
}

// taken says what of its parent a child doesn't have.
func (p *treePrinter) taken(parent, child *token.Block) {
	same := true
	say := func(format string, args ...any) {
		same = false
		p.line("- "+format, args...)
	}
	for _, g := range parent.Grants {
		gone := map[string][]string{} // actions that nothing is left of → patterns
		var order, narrowed []string
		for _, r := range g.Resources {
			var none []string
			some := map[string][]string{} // what is left → actions
			for _, a := range g.Actions {
				left, all := kept(child, a, r)
				switch {
				case all:
				case len(left) == 0:
					none = append(none, a)
				default:
					some[strings.Join(left, ", ")] = append(some[strings.Join(left, ", ")], a)
				}
			}
			if actions := strings.Join(none, ", "); actions != "" {
				if gone[actions] == nil {
					order = append(order, actions)
				}
				gone[actions] = append(gone[actions], r.String())
			}
			for _, left := range slices.Sorted(maps.Keys(some)) {
				narrowed = append(narrowed, fmt.Sprintf("%s on %s, all but %s", strings.Join(some[left], ", "), r, left))
			}
		}
		for _, actions := range order {
			say("%s on %s", actions, strings.Join(gone[actions], ", "))
		}
		for _, text := range narrowed {
			say("%s", text)
		}
	}
	if cut := child.NotBefore.Sub(parent.NotBefore); cut > 0 {
		say("the first %s", cut)
	}
	if cut := parent.Expires.Sub(child.Expires); cut > 0 {
		say("the last %s", cut)
	}
	if child.Depth < parent.Depth-1 || child.Depth == 0 {
		switch child.Depth {
		case 0:
			say("handing it on")
		case 1:
			say("handing it on more than once")
		default:
			say("handing it on more than %d times", child.Depth)
		}
	}
	if same && len(child.Denials)+len(child.Caveats) == 0 && child.Limits.IsZero() {
		p.line("- nothing")
	}
}

// kept returns what a block still grants of an action on the resources of a pattern, and whether that is all of it.
func kept(b *token.Block, action string, r *resource.Pattern) (left []string, all bool) {
	var union []*resource.Pattern
	for _, g := range b.Grants {
		if slices.Contains(g.Actions, action) {
			union = append(union, g.Resources...)
		}
	}
	if r.Within(union, resource.InclusionBudget).Verdict == resource.Included {
		return nil, true
	}
	for _, k := range union {
		if k.Within([]*resource.Pattern{r}, resource.InclusionBudget).Verdict != resource.Exceeds {
			left = append(left, k.String())
		}
	}
	return left, false
}

// effective says what is left.
func (p *treePrinter) effective(blocks []token.Block, trust *token.Trust) {
	leaf := &blocks[len(blocks)-1]
	p.WriteString("\n")
	p.line("What is left for %s", named(trust, leaf.Audience))
	p.indent = "  "
	for _, g := range leaf.Grants {
		p.line("may      %s", g)
	}
	if len(leaf.Grants) == 0 {
		p.line("may      nothing")
	}
	limits := map[token.Limit]uint64{}
	for _, b := range blocks {
		for _, g := range b.Denials {
			p.line("not      %s", g)
		}
		for _, c := range b.Caveats {
			p.line("only if  %s", condition(c))
		}
		for _, l := range token.AllLimits() {
			if v, ok := b.Limits.Get(l); ok {
				limits[l] = v
			}
		}
	}
	for _, l := range token.AllLimits() {
		if v, ok := limits[l]; ok {
			p.line("at most  %s %d", l, v)
		}
	}
	p.line("valid    %s", validFor(leaf))
	p.line("further  %s", mayFollow(leaf.Depth))
	p.line("digest   %s", leaf.Digest)
}

// condition cuts a caveat, which is a small policy, down to its condition.
func condition(caveat string) string {
	if _, c, ok := strings.Cut(caveat, "\n  when "); ok {
		return strings.TrimSpace(c)
	}
	return caveat
}
