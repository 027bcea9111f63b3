package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/token"
)

func newIdentity() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "identity",
		Short: "Make keys and show them",
		Long: `Identity makes key files and shows the public key in one. An identity is its key: names are given to keys in a trust document.

A key has a role and signs nothing else: root mints tokens, agent holds and narrows them and signs messages, attester, approver
and revocation sign what they are named for, policy policies and log the log's checkpoints.`,
		Example: `  moatc identity new --role agent --out reviewer.key`,
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(newIdentityNew(), newIdentityShow())
	return cmd
}

func newIdentityNew() *cobra.Command {
	var out, passphraseFile string
	var encrypt bool
	roles := make([]string, 0, len(token.Roles()))
	for _, r := range token.Roles() {
		roles = append(roles, string(r))
	}
	role := &choice{value: string(token.RoleAgent), among: roles}
	cmd := &cobra.Command{
		Use:   "new --role ROLE --out FILE",
		Short: "Make a key and write it to a new file",
		Long: `Identity new makes an Ed25519 key, writes it to a new file that only its owner can read (mode 0600), and prints the public key.

With --encrypt the file is encrypted with a passphrase (age, scrypt), which is asked for on the terminal; --passphrase-file
takes it from the first line of a file, and implies --encrypt. A FILE that exists is left alone.

Exit codes: 0 done, 1 the file exists or can't be written.`,
		Example: `  moatc identity new --role root --out root.key
  moatc identity new --role agent --out alice.key`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			id, err := token.NewIdentity(token.Role(role.value), rand.Reader)
			if err != nil {
				return err
			}
			text, err := id.KeyFile()
			if encrypt || passphraseFile != "" {
				var words string
				if words, err = passphrase(cmd, passphraseFile, out, true); err == nil {
					text, err = id.EncryptedKeyFile(words)
				}
			}
			if err != nil {
				return err
			}
			if err := writeNew(out, text); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), id.Key())
			return err
		},
	}
	cmd.Flags().Var(role, "role", "what the key is for")
	cmd.Flags().StringVar(&out, "out", "", "the file to write")
	cmd.Flags().BoolVar(&encrypt, "encrypt", false, "encrypt the file with a passphrase")
	cmd.Flags().StringVar(&passphraseFile, "passphrase-file", "", "a file with the passphrase")
	mustFlag(cmd, "out")
	return cmd
}

// writeNew writes a file that isn't there yet, and that only its owner can read.
func writeNew(name string, text []byte) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return ioError(name, err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(name)
		return ioError(name, err)
	}
	return nil
}

func newIdentityShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show FILE…",
		Short: "Show the public keys in key files",
		Long: `Identity show prints for each key file its public key, its role, and whether it is encrypted. It needs no passphrase, so what
an encrypted file says of itself isn't proven by it. A file that others can read is warned of.

Exit codes: 0 done, 1 a file can't be read, 3 a file is no key file.`,
		Example: `  moatc identity new --role approver --out ann.key
  moatc identity show ann.key`,
		Args: somePaths("the key files"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range args {
				text, err := readLimited(nil, name, token.MaxKeyFileSize)
				if err != nil {
					return err
				}
				info, err := token.ReadKeyFileInfo(text)
				if err != nil {
					return refusal(name, err)
				}
				line := []string{info.Key.String(), string(info.Role)}
				if info.Encrypted {
					line = append(line, "encrypted")
				}
				if stat, err := os.Stat(name); err == nil && stat.Mode().Perm()&0o077 != 0 {
					complain(cmd.ErrOrStderr(), fmt.Errorf("warning: %s can be read by others (mode %04o); chmod 600 it", name, stat.Mode().Perm()))
				}
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), strings.Join(line, " ")); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
