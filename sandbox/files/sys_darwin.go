package files

import "golang.org/x/sys/unix"

// isPseudo reports whether a descriptor is on a file system that shows the kernel's state as files. There is none here but for devices,
// which aren't served anywhere.
func isPseudo(int) (bool, error) { return false, nil }

// renameNew renames without replacing; what is at the new name is EEXIST.
func renameNew(oldDir int, oldBase string, newDir int, newBase string) error {
	return unix.RenameatxNp(oldDir, oldBase, newDir, newBase, unix.RENAME_EXCL)
}
