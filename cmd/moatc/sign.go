package main

import (
	"crypto/rand"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/token"
)

func newAttest() *cobra.Command {
	var s signer
	var v validity
	var out, subject string
	a := token.Attestation{}
	cmd := &cobra.Command{
		Use:   "attest --key FILE --realm REALM --claim CLAIM (--subject KEY | --value TEXT)",
		Short: "Sign a claim about a key or a value",
		Long: `Attest signs a claim with a key of the role attester: about an agent's or a person's key, or about a value, such as a commit's
hash. It counts where the trust document lists the key for the claim.

Exit codes: 0 done, 1 the command line is wrong or a file can't be read or written, 3 what is asked for is invalid.`,
		Example: `  moatc identity new --role attester --out ci.key
  moatc attest --key ci.key --realm prod --claim ci-passed --value 8f14e45fceea167a --ttl 24h`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if (subject == "") == (a.Value == "") {
				return usageError(cmd, "give either --subject or --value")
			}
			if subject != "" {
				if a.Subject, err = readKey(subject); err != nil {
					return err
				}
			}
			if a.ID, err = token.NewID(rand.Reader); err != nil {
				return err
			}
			if a.NotBefore, a.Expires, err = v.window(cmd); err != nil {
				return err
			}
			id, err := s.identity(cmd)
			if err != nil {
				return err
			}
			raw, err := token.SignAttestation(id, a)
			if err != nil {
				return s.refusal(err)
			}
			return writeSigned(cmd, out, raw)
		},
	}
	s.flags(cmd)
	v.flags(cmd, "24h")
	cmd.Flags().StringVar(&a.Realm, "realm", "", "the deployment that it is for")
	cmd.Flags().StringVar(&a.Claim, "claim", "", "what is claimed")
	cmd.Flags().StringVar(&subject, "subject", "", "the key that it is about: a did:key, or a key file")
	cmd.Flags().StringVar(&a.Value, "value", "", "the value that it is about")
	cmd.Flags().StringVar(&out, "out", "", "where to write it (default: standard output)")
	mustFlag(cmd, "realm")
	mustFlag(cmd, "claim")
	return cmd
}

func newApprove() *cobra.Command {
	var s signer
	var v validity
	var out, trustFile, nonce, request, policy string
	a := token.Approval{}
	cmd := &cobra.Command{
		Use:   "approve --key FILE --trust TRUST.json --policy DIGEST --request DIGEST --nonce NONCE --rule ID",
		Short: "Approve one request",
		Long: `Approve signs an approval with a key of the role approver. Request, nonce, rule and the policy's digest stand in the answer to the
request that asks for it. The approval is for this request, under this policy and this trust document, and good once.

Exit codes: 0 done, 1 the command line is wrong or a file can't be read or written, 3 what is asked for is invalid.`,
		Example: `  moatc identity new --role approver --out maintainer.key
  moatc approve --key maintainer.key --trust policies/multi-agent/trust.json --rule staging --nonce 00112233445566778899aabbccddeeff --policy sha256:0000000000000000000000000000000000000000000000000000000000000001 --request sha256:0000000000000000000000000000000000000000000000000000000000000002`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			trust, err := readTrust(trustFile)
			if err != nil {
				return err
			}
			a.Realm, a.Trust = trust.Realm(), trust.Digest()
			if a.Nonce, err = token.ParseID(nonce); err != nil {
				return refusal("--nonce", err)
			}
			if a.Request, err = token.ParseDigest(request); err != nil {
				return refusal("--request", err)
			}
			if a.Policy, err = token.ParseDigest(policy); err != nil {
				return refusal("--policy", err)
			}
			if a.NotBefore, a.Expires, err = v.window(cmd); err != nil {
				return err
			}
			id, err := s.identity(cmd)
			if err != nil {
				return err
			}
			raw, err := token.SignApproval(id, a)
			if err != nil {
				return s.refusal(err)
			}
			return writeSigned(cmd, out, raw)
		},
	}
	s.flags(cmd)
	v.flags(cmd, "10m")
	cmd.Flags().StringVar(&trustFile, "trust", "", "the trust document in force")
	cmd.Flags().StringVar(&policy, "policy", "", "the digest of the policy that asks: sha256:…")
	cmd.Flags().StringVar(&request, "request", "", "the digest of the request: sha256:…")
	cmd.Flags().StringVar(&nonce, "nonce", "", "the nonce of the ask: 32 hexadecimal digits")
	cmd.Flags().StringVar(&a.Rule, "rule", "", "the rule that asks")
	cmd.Flags().StringVar(&out, "out", "", "where to write it (default: standard output)")
	for _, name := range []string{"trust", "policy", "request", "nonce", "rule"} {
		mustFlag(cmd, name)
	}
	return cmd
}

func newRevoke() *cobra.Command {
	var s signer
	var out, previous string
	var keys, items, digests []string
	var next string
	l := token.RevocationList{}
	cmd := &cobra.Command{
		Use:   "revoke --key FILE --realm REALM --sequence N [--revoke KEY] [--item KEY:ID] [--digest DIGEST]",
		Short: "Sign a revocation list",
		Long: `Revoke signs the whole list of what its signer revokes: keys, whatever role they played; blocks and statements, by issuer and id; or
by digest. The keys that the trust document names as revokers revoke anything. A root or an agent revokes what descends from
blocks that it issued. An entry that the next list doesn't have is lifted.

With --previous the entries of an older list are kept, and its sequence is the least that the new one exceeds; --sequence is then
optional. After --next-update the list denies, so the next one is due before: an empty list is one too.

Exit codes: 0 done, 1 the command line is wrong or a file can't be read or written, 3 what is asked for is invalid.`,
		Example: `  moatc identity new --role revocation --out revoker.key
  moatc identity new --role agent --out lost.key
  moatc revoke --key revoker.key --realm prod --sequence 1 --revoke lost.key --out list1
  moatc revoke --key revoker.key --realm prod --previous list1 --digest sha256:0000000000000000000000000000000000000000000000000000000000000001`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if previous != "" {
				raw, err := readSigned(cmd.InOrStdin(), previous)
				if err != nil {
					return err
				}
				old, err := token.OpenRevocations(raw)
				if err != nil {
					return refusal(previous, err)
				}
				if l.Sequence == 0 {
					l.Sequence = old.Sequence + 1
				}
				if l.Sequence <= old.Sequence {
					return &exitError{exitInvalid, "the sequence isn't higher than that of " + previous}
				}
				l.Keys, l.Items, l.Digests = old.Keys, old.Items, old.Digests
			}
			for _, s := range keys {
				k, err := readKey(s)
				if err != nil {
					return err
				}
				l.Keys = append(l.Keys, k)
			}
			for _, s := range items {
				i := strings.LastIndexByte(s, ':')
				k, err := token.ParseKey(s[:max(i, 0)])
				if err != nil {
					return refusal("--item", err)
				}
				id, err := token.ParseID(s[i+1:])
				if err != nil {
					return refusal("--item", err)
				}
				l.Items = append(l.Items, token.Ref{Issuer: k, ID: id})
			}
			for _, s := range digests {
				d, err := token.ParseDigest(s)
				if err != nil {
					return refusal("--digest", err)
				}
				l.Digests = append(l.Digests, d)
			}
			due, ok := token.ParseDuration(next)
			if !ok {
				return usageError(cmd, "--next-update %s is no duration such as 90s, 10m, 24h or 7d", next)
			}
			l.Issued = time.Now().Truncate(time.Second)
			l.NextUpdate = l.Issued.Add(due)
			id, err := s.identity(cmd)
			if err != nil {
				return err
			}
			raw, err := token.SignRevocations(id, l)
			if err != nil {
				return s.refusal(err)
			}
			return writeSigned(cmd, out, raw)
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&l.Realm, "realm", "", "the deployment that it is for")
	cmd.Flags().Uint64Var(&l.Sequence, "sequence", 0, "the number of the list, higher than the last one's")
	cmd.Flags().StringVar(&previous, "previous", "", "an older list, whose entries are kept")
	cmd.Flags().StringVar(&next, "next-update", "24h", "when the next list is due")
	cmd.Flags().StringArrayVar(&keys, "revoke", nil, "a key to revoke: a did:key, or a key file; may be repeated")
	cmd.Flags().StringArrayVar(&items, "item", nil, "a block or statement to revoke: did:key:…:ID; may be repeated")
	cmd.Flags().StringArrayVar(&digests, "digest", nil, "a block or statement to revoke, by digest; may be repeated")
	cmd.Flags().StringVar(&out, "out", "", "where to write it (default: standard output)")
	mustFlag(cmd, "realm")
	return cmd
}
