package files

import "golang.org/x/sys/unix"

// isPseudo reports whether a descriptor is on a file system that shows the kernel's state as files, where reading and writing mean
// something else. Those that hold only devices and sockets need not be here: these aren't served anywhere.
func isPseudo(fd int) (bool, error) {
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(fd, &st) }); err != nil {
		return false, err
	}
	switch uint32(st.Type) {
	case unix.PROC_SUPER_MAGIC, unix.SYSFS_MAGIC, unix.CGROUP_SUPER_MAGIC, unix.CGROUP2_SUPER_MAGIC, unix.DEBUGFS_MAGIC,
		unix.TRACEFS_MAGIC, unix.SECURITYFS_MAGIC, unix.BPF_FS_MAGIC, unix.EFIVARFS_MAGIC, unix.SELINUX_MAGIC, unix.SMACK_MAGIC,
		unix.PSTOREFS_MAGIC, unix.NSFS_MAGIC, unix.BINFMTFS_MAGIC, unix.RDTGROUP_SUPER_MAGIC, unix.XENFS_SUPER_MAGIC,
		configfsMagic, fusectlMagic:
		return true, nil
	}
	return false, nil
}

// What <linux/magic.h> leaves to the file systems' own sources: fs/configfs/mount.c, fs/fuse/control.c.
const (
	configfsMagic = 0x62656570
	fusectlMagic  = 0x65735543
)

// renameNew renames without replacing; what is at the new name is EEXIST.
func renameNew(oldDir int, oldBase string, newDir int, newBase string) error {
	return unix.Renameat2(oldDir, oldBase, newDir, newBase, unix.RENAME_NOREPLACE)
}
