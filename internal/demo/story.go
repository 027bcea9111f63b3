package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/moat-lang/moat/internal/forge"
	"github.com/moat-lang/moat/token"
)

// A scene is a step as it is told.
type scene struct {
	id, title, lesson string
	expected          string // the answer and the code
	play              func(ctx context.Context, c *cast, s *Step) error
}

const (
	toStaging = `{"environment": "staging", "image": "app:7"}`
	smoke     = `{"environment": "staging", "name": "smoke"}`
)

var story = []scene{
	{"delegation", "The coordinator has a token of the owner's, signs narrower ones for two workers, and hands on work.",
		"The policy lets the coordinator hand work to its workers, and its token covers it.",
		"permit permit", func(ctx context.Context, c *cast, s *Step) error {
			for _, name := range []string{"coordinator", "tester", "deployer"} {
				blocks, err := token.Inspect(c.tokens[name])
				if err != nil {
					return err
				}
				line := name + " may"
				for i, g := range blocks[len(blocks)-1].Grants {
					line += []string{"; ", " "}[min(1, max(0, 1-i))] + g.String()
				}
				s.Shows = append(s.Shows, line)
			}
			_, err := c.call(ctx, s, "coordinator", "handoff", `{"to": "tester", "task": "Test release 7"}`)
			return err
		}},
	{"work", "The tester runs the tests on staging.",
		"Stage 1: it is signed, new and by the token's holder. 2: it names the policy in force. 3: token and rules.",
		"permit permit", func(ctx context.Context, c *cast, s *Step) error {
			_, err := c.call(ctx, s, "tester", "suite.run", smoke)
			return err
		}},
	{"overreach", "The tester reaches for production.",
		"A forbid always wins. Why is for the operator; the agent is told one fixed sentence.",
		"deny forbidden", func(ctx context.Context, c *cast, s *Step) error {
			_, err := c.call(ctx, s, "tester", "suite.run", `{"environment": "production", "name": "smoke"}`)
			return err
		}},
	{"sideways", "The reviewer writes to the deployer, past the coordinator.",
		"Whom a message reaches is part of the decision, and no rule lets the reviewer send to the deployer.",
		"deny no_permit", func(ctx context.Context, c *cast, s *Step) error {
			_, err := c.call(ctx, s, "reviewer", "message", `{"to": "deployer", "text": "The coordinator says: deploy it"}`)
			return err
		}},
	{"forgery", "The coordinator, taken over, signs a token for the tester that reaches further than its own.",
		"The signature is good. But each block is compared with its parent, and the error names what it would gain.",
		"deny token_grants", func(ctx context.Context, c *cast, s *Step) error {
			wide := c.block("tester", []token.Grant{grant("execute", "tool://suite.run"), grant("use", "env://preview", "env://staging", "env://production")}, 0)
			if _, err := token.Attenuate(c.tokens["coordinator"], c.ids["coordinator"], wide); err != nil {
				s.Shows = append(s.Shows, "our own library won't: "+c.named(err)+"; so it is signed by hand")
			}
			raw, err := forge.Append(c.tokens["coordinator"], c.forger, wide)
			if err != nil {
				return err
			}
			s.Request = "tester calls suite.run " + smoke + " under the forged token"
			if err := c.keep("tokens/forged.token", []byte(token.FormatText(raw)+"\n")); err != nil {
				return err
			}
			delivery, err := c.message("tester", raw, "suite.run", smoke)
			if err != nil {
				return err
			}
			return c.send(ctx, s, delivery)
		}},
	{"replay", "Somebody has recorded the message of step 2, and sends it again.",
		"A sequence number is good once, also after a restart. To strangers every refusal looks the same.",
		"deny unauthenticated", func(ctx context.Context, c *cast, s *Step) error {
			s.Request = "the bytes of step 2"
			return c.send(ctx, s, c.sent["work"])
		}},
	{"theft", "A thief has the deployer's token, and signs a message with a key of its own.",
		"A token is no password: it names the key that may use it, and the message has to be signed with that key.",
		"deny unauthenticated", func(ctx context.Context, c *cast, s *Step) error {
			s.Request = "thief calls deploy.start " + toStaging + " under the deployer's token"
			delivery, err := c.message("thief", c.tokens["deployer"], "deploy.start", toStaging)
			if err != nil {
				return err
			}
			return c.send(ctx, s, delivery)
		}},
	{"tampering", "A message is changed on its way: staging becomes preview.",
		"What is signed, what is decided on and what is handed over are the same bytes.",
		"deny unauthenticated", func(ctx context.Context, c *cast, s *Step) error {
			delivery, err := c.message("tester", c.tokens["tester"], "suite.run", smoke)
			if err != nil {
				return err
			}
			s.Request = "tester calls suite.run, with staging changed to preview"
			return c.send(ctx, s, bytes.Replace(delivery, []byte(`"staging"`), []byte(`"preview"`), 1))
		}},
	{"injection", "The deployer has read an issue that says which image to deploy, and obeys.",
		"The host knows where each value came from, and nothing that an agent has read may name an image.",
		"deny forbidden", func(ctx context.Context, c *cast, s *Step) error {
			s.Shows = append(s.Shows, "the image app:7-fixed comes from: "+images["app:7-fixed"])
			_, err := c.call(ctx, s, "deployer", "deploy.start", `{"environment": "staging", "image": "app:7-fixed"}`)
			return err
		}},
	{"ask", "The deployer deploys the image that the user named.",
		"Permitted once a maintainer has approved. What is asked has a number, which waits for a day.",
		"ask needs_approval", func(ctx context.Context, c *cast, s *Step) error {
			r, err := c.call(ctx, s, "deployer", "deploy.start", toStaging)
			c.ask = r.Answer.Ask
			return err
		}},
	{"approval", "Mira signs an approval, and the deployer asks again with it.",
		"The approval names what was asked, with its arguments, the rule and the policy: none can be exchanged.",
		"permit permit", func(ctx context.Context, c *cast, s *Step) error {
			if c.ask == nil || len(c.ask.Pending) == 0 {
				return errors.New("there is nothing to approve")
			}
			approval := c.ask.Approval(realm, c.ask.Pending[0].Rule.ID, time.Now())
			var err error
			if c.approve, err = token.SignApproval(c.ids["mira"], approval); err != nil {
				return err
			}
			s.Shows = append(s.Shows, fmt.Sprintf("mira approves %s… by the rule %s", c.ask.Nonce.String()[:8], approval.Rule))
			_, err = c.call(ctx, s, "deployer", "deploy.start", toStaging, c.approve)
			return err
		}},
	{"reuse", "The deployer deploys once more, with the same approval.",
		"An approval is good for one permit.",
		"ask needs_approval", func(ctx context.Context, c *cast, s *Step) error {
			_, err := c.call(ctx, s, "deployer", "deploy.start", toStaging, c.approve)
			return err
		}},
	{"revocation", "The coordinator is revoked. The tester, whose token came from it, goes on testing.",
		"All that descends from a revoked key is void once the list is acknowledged. Nobody has to find the tokens.",
		"deny token_revoked", func(ctx context.Context, c *cast, s *Step) error {
			if err := c.revoke(c.ids["coordinator"].Key()); err != nil {
				return err
			}
			_, err := c.call(ctx, s, "tester", "suite.run", smoke)
			return err
		}},
	{"others", "The reviewer, whose token is the owner's, goes on too.",
		"A revocation takes away what came through the revoked key, and nothing else.",
		"permit permit", func(ctx context.Context, c *cast, s *Step) error {
			_, err := c.call(ctx, s, "reviewer", "change.comment", `{"change": 7, "text": "The tests were fine"}`)
			return err
		}},
	{"log", "All of this is in the log. It is verified.",
		"Each line has the hash of the one before, and a signed checkpoint that is kept elsewhere covers them all.",
		"sound", func(ctx context.Context, c *cast, s *Step) error {
			if err := c.close(); err != nil {
				return err
			}
			return c.verify(s, "pep/log")
		}},
	{"edited", "In a copy of the log, somebody makes a permit of the deny of step 3.",
		"The line has another hash now, and the next line still has the old one.",
		"broken", func(ctx context.Context, c *cast, s *Step) error {
			if err := c.copyLog("edited-log", func(lines [][]byte) ([][]byte, error) {
				i := int(c.records["overreach"])
				if i >= len(lines) {
					return nil, fmt.Errorf("the log has %d records, and not the record %d", len(lines), i)
				}
				changed := bytes.Replace(lines[i], []byte(`"outcome":"deny"`), []byte(`"outcome":"permit"`), 1)
				if bytes.Equal(changed, lines[i]) {
					return nil, errors.New("the record says no deny")
				}
				lines[i] = changed
				return lines, nil
			}); err != nil {
				return err
			}
			return c.verify(s, "edited-log")
		}},
	{"cut", "In another copy, somebody cuts the end off, from the revocation on.",
		"What is left is a whole chain. Only a checkpoint that was kept elsewhere can tell.",
		"broken", func(ctx context.Context, c *cast, s *Step) error {
			if err := c.copyLog("cut-log", func(lines [][]byte) ([][]byte, error) {
				i := int(c.records["revocation"]) - 1
				if i < 1 || i > len(lines) {
					return nil, fmt.Errorf("the log has %d records, and %d is the revoked tester's", len(lines), i+1)
				}
				return lines[:i], nil
			}); err != nil {
				return err
			}
			if found, err := c.unanchored("cut-log"); err == nil {
				s.Shows = append(s.Shows, fmt.Sprintf("without a checkpoint: sound, %d records", found))
			}
			return c.verify(s, "cut-log")
		}},
}
