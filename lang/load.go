package lang

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// Ext is the extension of policy files.
const Ext = ".moat"

// Load reads a policy from disk: a directory, whose files with the extension .moat are one policy, or one file. Nothing outside
// the directory is read, by import or by symbolic link. The program is nil exactly when the diagnostics hold an error;
// beside a program they hold its warnings, so ask [Diagnostics.Err] whether there was an error, not whether there are diagnostics.
func Load(name string) (*Program, Diagnostics) {
	dir, file := name, ""
	info, err := os.Stat(name)
	if err != nil {
		return nil, Diagnostics{readError(name, err)}
	}
	if !info.IsDir() {
		dir, file = filepath.Split(name)
		if dir == "" {
			dir = "."
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, Diagnostics{readError(name, err)}
	}
	defer root.Close()
	shown := filepath.ToSlash(filepath.Clean(dir))
	return load(root.FS(), file, shown)
}

// LoadFS reads a policy from a file system: the .moat files in dir are one policy; imports reach no further than dir.
func LoadFS(fsys fs.FS, dir string) (*Program, Diagnostics) {
	sub, err := fs.Sub(fsys, dir)
	if err != nil {
		return nil, Diagnostics{readError(dir, err)}
	}
	return load(sub, "", path.Clean(dir))
}

// Compile makes a program of the sources alone, by name. A name with a slash in it is read only when another file imports it.
func Compile(sources map[string]string) (*Program, Diagnostics) {
	var diags diagnostics
	l := &loader{diags: &diags, state: map[string]int{}, isRoot: map[string]bool{}, imported: map[*File]bool{}, read: func(name string) (string, error) {
		text, ok := sources[name]
		if !ok {
			return "", fs.ErrNotExist
		}
		return text, nil
	}}
	for name := range sources {
		l.isRoot[name] = !strings.Contains(name, "/")
	}
	return l.all()
}

func readError(name string, err error) *Diagnostic {
	var perr *fs.PathError
	if errors.As(err, &perr) {
		err = perr.Err
	}
	d := &Diagnostic{Code: CodeReadFile, Message: fmt.Sprintf("%s: %s", name, err)}
	if errors.Is(err, fs.ErrNotExist) {
		d.Hint = "name a .moat file, or a directory that holds some"
	}
	return d
}

func load(fsys fs.FS, file, shown string) (*Program, Diagnostics) {
	var diags diagnostics
	l := &loader{diags: &diags, state: map[string]int{}, isRoot: map[string]bool{}, imported: map[*File]bool{}, shown: shown}
	l.read = func(name string) (string, error) {
		// Opening a named pipe would wait for whoever writes to it.
		if info, err := fs.Stat(fsys, name); err != nil {
			return "", err
		} else if !info.Mode().IsRegular() {
			return "", errors.New("not a regular file")
		}
		f, err := fsys.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
		return string(data), err
	}
	if file != "" {
		l.isRoot[file] = true
		return l.all()
	}
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, Diagnostics{readError(shown, err)}
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), Ext) && !e.IsDir() {
			l.isRoot[e.Name()] = true
		}
	}
	if len(l.isRoot) == 0 {
		return nil, Diagnostics{{Code: CodeNoFiles, Message: fmt.Sprintf("%s holds no file with the extension %s", shown, Ext), Hint: "name a .moat file, or a directory that holds some"}}
	}
	return l.all()
}

// A loader reads the files of a policy and what they import, each once.
type loader struct {
	read     func(name string) (string, error)
	shown    string // what the root is called in messages
	diags    *diagnostics
	files    []*File
	imported map[*File]bool
	state    map[string]int // loading or loaded, by name
	stack    []string       // the chain of imports being followed
	size     int
	isRoot   map[string]bool // files of the policy's own directory, which no import makes foreign
	roots    []*File
}

const (
	loading = 1
	loaded  = 2
)

// all reads the policy's own files and what they import, and checks them together.
func (l *loader) all() (*Program, Diagnostics) {
	for _, name := range sortedKeys(l.isRoot) {
		if l.isRoot[name] {
			l.file(name, nil)
		}
	}
	return l.finish()
}

// file reads one file; from is the import that asked for it, nil for a file of the policy's own directory.
func (l *loader) file(name string, from *Str) {
	if l.state[name] == loading {
		l.diags.errorf(from.Span, CodeImportLoop, "the import goes round in a circle: %s", strings.Join(append(l.stack, name), " → ")).hint("take one of these imports out")
		return
	}
	if l.state[name] == loaded {
		return
	}
	l.state[name] = loading
	l.stack = append(l.stack, name)
	defer func() {
		l.state[name] = loaded
		l.stack = l.stack[:len(l.stack)-1]
	}()
	text, err := l.read(name)
	if err != nil {
		l.missing(name, from, err)
		return
	}
	l.size += len(text)
	shown := name
	if l.shown != "" && l.shown != "." {
		shown = path.Join(l.shown, name)
	}
	if l.size > MaxPolicySize || len(l.state) > MaxFiles {
		if l.size-len(text) <= MaxPolicySize && len(l.state) <= MaxFiles+1 {
			l.diags.errorf(Span{}, CodeTooLarge, "the policy is larger than %d bytes in %d files", MaxPolicySize, MaxFiles)
		}
		return
	}
	f := parse(NewSource(shown, text), l.diags)
	if f == nil {
		return
	}
	checkEdition(f, l.diags)
	l.files = append(l.files, f)
	if l.isRoot[name] {
		l.roots = append(l.roots, f)
	} else {
		l.imported[f] = true
	}
	if len(l.stack) > MaxDepth {
		l.diags.errorf(from.Span, CodeTooDeep, "imports nest more than %d deep", MaxDepth)
		return
	}
	for i := range f.Imports {
		if target, ok := l.resolve(name, &f.Imports[i]); ok {
			l.file(target, &f.Imports[i])
		}
	}
}

func (l *loader) missing(name string, from *Str, err error) {
	if from == nil {
		d := readError(path.Join(l.shown, name), err)
		if strings.Contains(err.Error(), "escapes") { // what os.Root says of a link that leads out
			d.Code, d.Hint = CodeImport, "a policy reads nothing outside its own directory; copy the file into it"
		}
		l.diags.list = append(l.diags.list, d)
		l.diags.errors++
		return
	}
	var perr *fs.PathError
	if errors.As(err, &perr) {
		err = perr.Err
	}
	d := l.diags.errorf(from.Span, CodeImport, "%s can't be imported: %s", quote(short(from.Value)), err)
	if errors.Is(err, fs.ErrNotExist) {
		d.hint("the path is relative to this file: %s", path.Join(l.shown, name))
	} else {
		d.hint("an import names a file inside the policy's own directory, not through a link that leads out of it")
	}
}

// resolve finds the file that an import means: relative to the importing file, inside the policy's root.
func (l *loader) resolve(importer string, imp *Str) (string, bool) {
	p := imp.Value
	target := path.Join(path.Dir(importer), p)
	switch {
	case path.IsAbs(p) || strings.Contains(p, `\`) || strings.Contains(p, ":"):
		l.diags.errorf(imp.Span, CodeImport, "%s is not a relative path", quote(short(p))).hint("write the path from this file, with forward slashes: \"common/baseline.moat\"")
	case !fs.ValidPath(target) || target == ".":
		l.diags.errorf(imp.Span, CodeImport, "%s leads out of the policy's directory", quote(short(p))).hint("a policy reads nothing outside its own directory; copy the file into it")
	case !strings.HasSuffix(p, Ext):
		l.diags.errorf(imp.Span, CodeImport, "%s is not a policy file", quote(short(p))).hint("its name ends in %s", Ext)
	case path.Clean(p) != p:
		l.diags.errorf(imp.Span, CodeImport, "%s is not in its shortest form", quote(short(p))).hint("write %s", quote(path.Clean(p)))
	default:
		return target, true
	}
	return "", false
}

// finish checks the files together.
func (l *loader) finish() (*Program, Diagnostics) {
	sort.Slice(l.files, func(i, j int) bool { return l.files[i].Src.Name < l.files[j].Src.Name })
	sort.Slice(l.roots, func(i, j int) bool { return l.roots[i].Src.Name < l.roots[j].Src.Name })
	name := ""
	for _, f := range l.roots {
		if f.Policy.Name == "" {
			continue
		}
		if name == "" {
			name = f.Policy.Name
		} else if f.Policy.Name != name {
			l.diags.errorf(f.Policy.Span, CodePolicyName, "this file says it is of the policy `%s`, others in its directory say `%s`", f.Policy.Name, name).
				label(l.roots[0].Policy.Span, "here").hint("a directory is one policy; move the file, or give it the same name")
		}
	}
	var prog *Program
	if len(l.files) > 0 {
		prog = check(name, l.files, l.imported, l.diags)
	}
	diags := l.diags.sorted()
	if prog == nil || diags.Err() != nil {
		return nil, diags
	}
	prog.Warnings = diags.Warnings()
	return prog, diags
}

// Find lists the policies below a path: the path itself if it is a file or a directory that holds .moat files, else every directory
// below it that does and has none above it. Symbolic links are not followed.
func Find(root string) ([]string, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{root}, nil
	}
	var found []string
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if p != root && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		entries, err := os.ReadDir(p)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), Ext) && !e.IsDir() {
				found = append(found, p)
				return fs.SkipDir
			}
		}
		return nil
	})
	return found, err
}
