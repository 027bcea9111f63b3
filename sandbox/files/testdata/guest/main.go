// The guest does with the os package what its arguments say, one call an argument, and prints a line for each.
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

func main() {
	for _, arg := range os.Args[1:] {
		out, err := do(strings.Split(arg, " "))
		fmt.Printf("%s: %s\n", arg, result(out, err))
	}
}

func do(call []string) (string, error) {
	name := call[1]
	switch call[0] {
	case "read":
		data, err := os.ReadFile(name)
		return string(data), err
	case "write":
		return "", os.WriteFile(name, []byte(call[2]), 0o777)
	case "append":
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
		if err != nil {
			return "", err
		}
		_, err = f.WriteString(call[2])
		return "", errors.Join(err, f.Close())
	case "patch": // reads and writes through one descriptor, and seeks
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			return "", err
		}
		defer f.Close()
		if _, err := f.Seek(-1, io.SeekEnd); err != nil {
			return "", err
		}
		if _, err := f.WriteString(call[2]); err != nil {
			return "", err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return "", err
		}
		data, err := io.ReadAll(f)
		return string(data), err
	case "list":
		entries, err := os.ReadDir(name)
		var names []string
		for _, e := range entries {
			names = append(names, fs.FormatDirEntry(e))
		}
		return strings.Join(names, ", "), err
	case "walk":
		var names []string
		err := fs.WalkDir(os.DirFS(name), ".", func(p string, _ fs.DirEntry, err error) error {
			names = append(names, p)
			return err
		})
		return strings.Join(names, ", "), err
	case "stat":
		info, err := os.Stat(name)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s %d", info.Mode().Type(), info.Size()), nil
	case "mkdir":
		return "", os.MkdirAll(name, 0o777)
	case "remove":
		return "", os.Remove(name)
	case "removeall":
		return "", os.RemoveAll(name)
	case "rename":
		return "", os.Rename(name, call[2])
	case "symlink":
		return "", os.Symlink(name, call[2])
	case "inroot": // opens a directory, and then a name relative to it
		root, err := os.OpenRoot(name)
		if err != nil {
			return "", err
		}
		data, err := root.ReadFile(call[2])
		return string(data), err
	}
	return "", errors.New("no such call")
}

func result(out string, err error) string {
	switch {
	case err == nil:
		return out
	case errors.Is(err, fs.ErrPermission):
		return "denied"
	case errors.Is(err, fs.ErrNotExist):
		return "absent"
	}
	return err.Error()
}
