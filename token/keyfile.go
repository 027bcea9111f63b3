package token

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// A key file is text:
//
//	moat-key-1
//	role agent
//	key did:key:z6Mk…
//	seed BASE64URL
//
// In an encrypted one the line of the seed is replaced by an armored age file (age-encryption.org/v1) with the whole text
// of the plain one, encrypted with a passphrase. The first three lines must be the same in both.

const (
	keyFileHead = "moat-key-1\n"
	// workFactor is scrypt's for new key files, about a second of work, and maxWorkFactor what is spent on reading one.
	workFactor    = 18
	maxWorkFactor = 20
)

// KeyFile returns the text of a key file that isn't encrypted. It belongs where nobody else can read it (mode 0600).
func (id *Identity) KeyFile() ([]byte, error) {
	if id == nil || id.private == nil {
		return nil, refuse(WrongRole, "there is no key to save")
	}
	return []byte(id.publicLines() + "seed " + base64.RawURLEncoding.EncodeToString(id.private.Seed()) + "\n"), nil
}

func (id *Identity) publicLines() string {
	return keyFileHead + "role " + string(id.role) + "\nkey " + id.key.String() + "\n"
}

// EncryptedKeyFile returns the text of a key file encrypted with a passphrase, which must not be empty.
func (id *Identity) EncryptedKeyFile(passphrase string) ([]byte, error) {
	return id.encrypt(passphrase, workFactor)
}

func (id *Identity) encrypt(passphrase string, workFactor int) ([]byte, error) {
	plain, err := id.KeyFile()
	if err != nil {
		return nil, err
	}
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, refuse(Passphrase, "%s", err)
	}
	recipient.SetWorkFactor(workFactor)
	out := bytes.NewBufferString(id.publicLines())
	lines := armor.NewWriter(out)
	sealed, err := age.Encrypt(lines, recipient)
	if err != nil {
		return nil, err
	}
	if _, err := sealed.Write(plain); err != nil {
		return nil, err
	}
	if err := sealed.Close(); err != nil {
		return nil, err
	}
	if err := lines.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// KeyFileInfo is what a key file says of itself without a passphrase. Of an encrypted one nothing of it is proven.
type KeyFileInfo struct {
	Role      Role
	Key       Key
	Encrypted bool
}

// ReadKeyFileInfo reads the public part of a key file.
func ReadKeyFileInfo(text []byte) (KeyFileInfo, error) {
	info, _, err := readKeyFile(text)
	return info, err
}

// readKeyFile returns the public part of a key file, and what follows it.
func readKeyFile(text []byte) (KeyFileInfo, string, error) {
	bad := func(format string, args ...any) (KeyFileInfo, string, error) {
		return KeyFileInfo{}, "", refuse(BadKeyFile, format, args...)
	}
	if len(text) > MaxKeyFileSize {
		return bad("the key file has %d bytes, more than %d", len(text), MaxKeyFileSize)
	}
	rest, ok := strings.CutPrefix(string(text), keyFileHead)
	if !ok {
		return bad("the first line is not %q", keyFileHead[:len(keyFileHead)-1])
	}
	role, rest, ok1 := strings.Cut(rest, "\n")
	did, rest, ok2 := strings.Cut(rest, "\n")
	role, ok3 := strings.CutPrefix(role, "role ")
	did, ok4 := strings.CutPrefix(did, "key ")
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return bad("the second and third line are not `role` and `key`")
	}
	key, err := ParseKey(did)
	if err != nil {
		return bad("%s", err)
	}
	info := KeyFileInfo{Role: Role(role), Key: key, Encrypted: strings.HasPrefix(rest, armor.Header)}
	if !info.Encrypted && !strings.HasPrefix(rest, "seed ") {
		return bad("the fourth line is neither `seed` nor %q", armor.Header)
	}
	return info, rest, nil
}

// ParseKeyFile reads a key file. It calls passphrase, which may be nil, when the file is encrypted.
func ParseKeyFile(text []byte, passphrase func() (string, error)) (*Identity, error) {
	info, rest, err := readKeyFile(text)
	if err != nil {
		return nil, err
	}
	if info.Encrypted {
		plain, err := decrypt(rest, passphrase)
		if err != nil {
			return nil, err
		}
		inner, seed, err := readKeyFile(plain)
		if err != nil {
			return nil, err
		}
		if inner.Encrypted || inner.Role != info.Role || inner.Key != info.Key {
			return nil, refuse(BadKeyFile, "what is encrypted is not the key that stands before it")
		}
		rest = seed
	}
	digits := strings.TrimSuffix(strings.TrimPrefix(rest, "seed "), "\n")
	seed, err := base64.RawURLEncoding.Strict().DecodeString(digits)
	if err != nil || len(seed) != ed25519.SeedSize || strings.ContainsAny(digits, "\r\n") {
		return nil, refuse(BadKeyFile, "the seed is not %d bytes in base64url", ed25519.SeedSize)
	}
	id, err := identityFromSeed(info.Role, seed)
	if err != nil {
		return nil, err
	}
	if id.key != info.Key {
		return nil, refuse(BadKeyFile, "the seed is not that of %s", info.Key)
	}
	return id, nil
}

func decrypt(armored string, passphrase func() (string, error)) ([]byte, error) {
	if passphrase == nil {
		return nil, refuse(Passphrase, "the key file is encrypted, and there is no passphrase")
	}
	words, err := passphrase()
	if err != nil {
		return nil, err
	}
	identity, err := age.NewScryptIdentity(words)
	if err != nil {
		return nil, refuse(Passphrase, "%s", err)
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	opened, err := age.Decrypt(armor.NewReader(strings.NewReader(armored)), identity)
	if err != nil {
		return nil, refuse(Passphrase, "the key file can't be decrypted: %s", err)
	}
	plain, err := io.ReadAll(io.LimitReader(opened, MaxKeyFileSize+1))
	if err != nil {
		return nil, refuse(Passphrase, "the key file can't be decrypted: %s", err)
	}
	return plain, nil
}
