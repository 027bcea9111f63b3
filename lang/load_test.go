package lang

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

const minimal = "policy p edition 1\nagent a\npermit a to read on any\n"

// write makes files below a new directory; a name that ends in @ is a symbolic link to its text.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if link, ok := strings.CutSuffix(p, "@"); ok {
			err = os.Symlink(text, link)
		} else {
			err = os.WriteFile(p, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestImport(t *testing.T) {
	dir := write(t, map[string]string{
		"policy/main.moat":        "policy p edition 1\nimport \"common/base.moat\"\nagent a\npermit a to read on any\n",
		"policy/common/base.moat": "policy base edition 1\nimport \"more.moat\"\nforbid base: any to write on any\n",
		"policy/common/more.moat": "policy more edition 1\nimport \"../main.moat\"\n",
	})
	_, diags := Load(filepath.Join(dir, "policy"))
	if errs := diags.Errors(); len(errs) != 1 || errs[0].Code != CodeImportLoop {
		t.Fatalf("a circle of imports: %v", diags)
	}
	if err := os.WriteFile(filepath.Join(dir, "policy/common/more.moat"), []byte("policy more edition 1\npermit shared: a to list on any\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p, diags := Load(filepath.Join(dir, "policy"))
	if p == nil {
		t.Fatal(diags)
	}
	if !p.Imported["base"] || !p.Imported["shared"] || len(p.Rules) != 3 || p.Name != "p" {
		t.Errorf("imported %v, %d rules, policy %s", p.Imported, len(p.Rules), p.Name)
	}
}

// L01: an import reads nothing outside the policy's directory, whatever it is called.
func TestL01ImportEscapes(t *testing.T) {
	secret := "policy secret edition 1\nagent stolen\n"
	for name, imp := range map[string]string{
		"parent":            "../secret.moat",
		"parent, hidden":    "common/../../secret.moat",
		"absolute":          "/etc/secret.moat",
		"backslash":         `..\\secret.moat`,
		"drive":             "c:secret.moat",
		"file link":         "link.moat",
		"folder link":       "out/secret.moat",
		"not a policy":      "common/passwd",
		"missing":           "nothing.moat",
		"folder":            "folder.moat",
		"not the shortest":  "./common/ok.moat",
		"doubled separator": "common//ok.moat",
		"empty":             "",
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string]string{
				"secret.moat": secret, "policy/main.moat": "policy p edition 1\nimport \"" + imp + "\"\nagent a\npermit a to read on any\n",
				"policy/common/ok.moat": "policy ok edition 1\nagent fine\n", "policy/common/passwd": secret, "policy/folder.moat/x.moat": secret,
				"policy/link.moat@": "../secret.moat", "policy/out@": "..",
			})
			if name == "file link" { // a link in the directory itself is refused too; look at the import alone
				os.Remove(filepath.Join(dir, "policy/out"))
			}
			p, diags := Load(filepath.Join(dir, "policy", "main.moat"))
			if errs := diags.Errors(); p != nil || len(errs) != 1 || errs[0].Code != CodeImport || errs[0].Hint == "" {
				t.Errorf("want one error %s with a hint, got %v", CodeImport, diags)
			}
		})
	}
}

func TestL01LinkInTheDirectory(t *testing.T) {
	dir := write(t, map[string]string{"secret.moat": minimal, "policy/main.moat": minimal, "policy/z.moat@": "../secret.moat"})
	if p, diags := Load(filepath.Join(dir, "policy")); p != nil || diags.Errors()[0].Code != CodeImport {
		t.Errorf("a link out of the directory is read: %v", diags)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := write(t, map[string]string{
		"empty/x.moat": "", "none/readme.txt": "x", "names/a.moat": minimal, "names/b.moat": "policy q edition 1\n",
		"edition/a.moat": "policy p edition 2\nagent a\npermit a to read on any\n", "norules/a.moat": "policy p edition 1\nagent a\n",
		"noheader/a.moat": "agent a\npermit a to read on any\n",
	})
	for name, code := range map[string]Code{
		"empty": CodeSyntax, "none": CodeNoFiles, "names": CodePolicyName, "edition": CodeEdition, "norules": CodeNoRules, "missing": CodeReadFile, "noheader": CodeSyntax,
	} {
		p, diags := Load(filepath.Join(dir, name))
		if errs := diags.Errors(); p != nil || len(errs) != 1 || errs[0].Code != code {
			t.Errorf("%s: want %s, got %v", name, code, diags)
		}
	}
}

func TestLoadFSIsLoad(t *testing.T) {
	dir := write(t, map[string]string{"p/main.moat": minimal, "p/sub/ignored.moat": "policy other edition 1\nbroken"})
	a, diags := Load(filepath.Join(dir, "p"))
	if a == nil {
		t.Fatal(diags)
	}
	b, diags := LoadFS(fstest.MapFS{"p/main.moat": {Data: []byte(minimal)}}, "p")
	if b == nil || a.Digest() != b.Digest() {
		t.Errorf("LoadFS and Load differ: %v", diags)
	}
}

func TestFind(t *testing.T) {
	dir := write(t, map[string]string{"a/x.moat": minimal, "a/common/y.moat": minimal, "b/c/z.moat": minimal, ".hidden/x.moat": minimal, "d/readme": ""})
	found, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint([]string{filepath.Join(dir, "a"), filepath.Join(dir, "b/c")})
	if fmt.Sprint(found) != want {
		t.Errorf("found %v, want %v", found, want)
	}
}
