// Package files is the file system of a sandboxed guest: one directory of the host, of which the guest sees what a policy permits.
//
// Start at [Open]. It returns an [FS], which wazero mounts:
//
//	fsys, err := files.Open(files.Dir{Path: "/srv/kb"}, files.Options{Ask: ask})
//	defer fsys.Close()
//	config := wazero.NewFSConfig().(sysfs.FSConfig).WithSysFSMount(fsys, "/kb")
//
// # Names
//
// The guest's name a/b in the mount of /srv/kb is the host's file /srv/kb/a/b and the resource file:///srv/kb/a/b. There is nothing
// else by which it could be reached:
//
//   - A name has the one spelling that package resource accepts. Any other (a control character, invalid UTF-8, a backslash, `..`) is
//     EINVAL, and is left out where a directory is listed. Empty and `.` parts are dropped, as wazero puts them in, and a leading slash
//     is the mount. On a file system that folds case, only the spelling that is stored is taken.
//   - No symbolic link is followed, neither in the middle of a name nor at its end, and neither out of the mount nor inside of it. What
//     was asked about one name can't be done to another. [Open] refuses a path that leads through one.
//   - A file with more than one name (a hard link) isn't served, nor is what lies on another file system than the mount's directory.
//   - Only regular files and directories are. Pipes, sockets and devices are never opened.
//
// What isn't served is EPERM, whoever asks, and is left out where a directory is listed. The guest can make no links itself.
//
// # Questions
//
// Each call asks first, about the resource, and a refusal is EACCES whether or not there is anything of that name:
//
//	open a file for reading, stat it              read
//	open, stat or read a directory                list
//	open a file for writing, truncate it          write
//	open with O_CREAT what isn't there            write if it is for writing, create
//	make a directory                              create
//	remove a file or a directory                  delete
//	rename a file                                 read and delete on the old name, create on the new one, write if that was there
//
// What is opened for reading and writing needs both. Nothing at a name is asked about as a file. A rename needs read because what moves
// may be readable where it goes; a directory can't be renamed at all, as that would rename everything below it, about which nobody was
// asked. An open file is not asked about again. The mount's own directory may always be opened and its own time known, as wazero opens
// it for the guest; reading it asks list each time it is read from its beginning.
//
// A call asks about its own name only, not about the directories on the way to it.
//
// # What the guest can't learn
//
// Device and inode numbers, owners, modes and the times of access and change. Inode numbers are made of the names, all modes are the same,
// and the three times are that of modification.
//
// # What isn't defended
//
// A process of the host that may write into the directory can move files about while the guest looks: then the guest gets what was at the
// name at one moment of the call, and never what is outside, unless that process moves a directory out of the mount while a call is
// inside of it. A second mount of the same file system inside the directory (a bind mount) isn't noticed; its files are asked about by
// their name in the mount. If the mount's directory itself is moved, questions go on about the path that it had. Only Linux and macOS are supported; elsewhere Open fails.
package files
