package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/moat-lang/moat/token"
)

// This file reads what the commands about signed things have in common: key files, keys, times, and what is signed, as text.

// refusal ends a command that was given something invalid. The reason of a token error stands before it.
func refusal(what string, err error) error {
	var e *token.Error
	if !errors.As(err, &e) {
		return err
	}
	if what != "" {
		what += ": "
	}
	return &refusedError{exitError{exitInvalid, fmt.Sprintf("%s%s [%s]", what, e, string(e.Reason))}, e}
}

// A refusedError says that something signed doesn't hold, and why.
type refusedError struct {
	exit  exitError
	cause *token.Error
}

func (e *refusedError) Error() string   { return e.exit.message }
func (e *refusedError) Unwrap() []error { return []error{&e.exit, e.cause} }

// readLimited reads a file, or standard input for "-", of at most max bytes.
func readLimited(stdin io.Reader, name string, max int) ([]byte, error) {
	in := stdin
	if name == "-" {
		name = stdinName
	} else {
		f, err := os.Open(name)
		if err != nil {
			return nil, ioError(name, err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, int64(max)+1))
	if err != nil {
		return nil, ioError(name, err)
	}
	if len(text) > max {
		return nil, &exitError{exitInvalid, fmt.Sprintf("%s: more than %d bytes", name, max)}
	}
	return text, nil
}

// readSigned reads something signed, in text form; one line end may follow.
func readSigned(stdin io.Reader, name string) ([]byte, error) {
	text, err := readLimited(stdin, name, 2*token.MaxRevocationSize)
	if err != nil {
		return nil, err
	}
	raw, err := token.ParseText(strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"))
	return raw, refusal(name, err)
}

func readTrust(name string) (*token.Trust, error) {
	text, err := readLimited(nil, name, token.MaxTrustSize)
	if err != nil {
		return nil, err
	}
	t, err := token.ParseTrust(text)
	return t, refusal(name, err)
}

// readKey reads a did:key, or the public key of a key file.
func readKey(s string) (token.Key, error) {
	if strings.HasPrefix(s, "did:") {
		k, err := token.ParseKey(s)
		return k, refusal("", err)
	}
	text, err := readLimited(nil, s, token.MaxKeyFileSize)
	if err != nil {
		return token.Key{}, err
	}
	info, err := token.ReadKeyFileInfo(text)
	return info.Key, refusal(s, err)
}

// A signer is the identity that a command signs with.
type signer struct {
	file, passphraseFile string
}

func (s *signer) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.file, "key", "", "the key file to sign with")
	cmd.Flags().StringVar(&s.passphraseFile, "passphrase-file", "", "a file with the passphrase of the key file (default: ask on the terminal)")
	mustFlag(cmd, "key")
}

func (s *signer) identity(cmd *cobra.Command) (*token.Identity, error) {
	text, err := readLimited(nil, s.file, token.MaxKeyFileSize)
	if err != nil {
		return nil, err
	}
	id, err := token.ParseKeyFile(text, func() (string, error) { return passphrase(cmd, s.passphraseFile, s.file, false) })
	return id, refusal(s.file, err)
}

// refusal names the key file where it is the key that won't do.
func (s *signer) refusal(err error) error {
	var e *token.Error
	if errors.As(err, &e) && (e.Reason == token.WrongRole || e.Reason == token.Issuer) {
		return refusal(s.file, err)
	}
	return refusal("", err)
}

// passphrase reads a passphrase from the first line of a file, or asks for it on the terminal; a new one is asked for twice.
func passphrase(cmd *cobra.Command, file, about string, isNew bool) (string, error) {
	if file != "" {
		text, err := readLimited(cmd.InOrStdin(), file, token.MaxKeyFileSize)
		if err != nil {
			return "", err
		}
		line, _, _ := bytes.Cut(text, []byte("\n"))
		return strings.TrimSuffix(string(line), "\r"), nil
	}
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", usageError(cmd, "a passphrase is needed for %s, and there is no terminal to ask on; give --passphrase-file", about)
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(cmd.ErrOrStderr(), prompt)
		words, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		return string(words), err
	}
	words, err := ask("passphrase of " + about + ": ")
	if err != nil || !isNew {
		return words, err
	}
	if again, err := ask("once more: "); err != nil || again != words {
		return "", errors.New("the two passphrases differ")
	}
	return words, nil
}

// A validity is from when and for how long something is to be valid.
type validity struct {
	from string
	ttl  string
}

func (v *validity) flags(cmd *cobra.Command, ttl string) {
	cmd.Flags().StringVar(&v.from, "not-before", "", "from when, as in 2026-03-01T12:00:00Z (default: now)")
	cmd.Flags().StringVar(&v.ttl, "ttl", ttl, "for how long, as in 90s, 10m, 24h, 7d")
}

// window returns the two ends, in whole seconds.
func (v *validity) window(cmd *cobra.Command) (from, until time.Time, err error) {
	from = time.Now()
	if v.from != "" {
		if from, err = time.Parse(time.RFC3339, v.from); err != nil {
			return from, until, usageError(cmd, "--not-before %s is no time such as 2026-03-01T12:00:00Z", v.from)
		}
	}
	from = from.Truncate(time.Second)
	ttl, ok := token.ParseDuration(v.ttl)
	if !ok {
		return from, until, usageError(cmd, "--ttl %s is no duration such as 90s, 10m, 24h or 7d", v.ttl)
	}
	return from, from.Add(ttl), nil
}

// mustFlag marks a flag as required.
func mustFlag(cmd *cobra.Command, name string) {
	if err := cmd.MarkFlagRequired(name); err != nil {
		panic(err) // the flag exists
	}
}

// writeSigned prints something signed as text, or writes it to a file that only its owner can read.
func writeSigned(cmd *cobra.Command, out string, raw []byte) error {
	text := token.FormatText(raw) + "\n"
	if out == "" {
		_, err := io.WriteString(cmd.OutOrStdout(), text)
		return err
	}
	if err := replaceFile(out, text, 0o600); err != nil {
		return ioError(out, err)
	}
	return nil
}
