package files

import (
	"hash/fnv"
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"

	"github.com/moat-lang/moat/resource"
)

// A name is what the guest calls a file.
type name struct {
	parts []string      // below the mount; none for the mount itself
	on    resource.Name // what is asked about
	asDir bool          // whether it ends like that of a directory, with a slash or a dot
}

// parseName reads a guest's name below the directory of the host whose resource is mount.
func parseName(mount resource.Name, guest string) (name, sys.Errno) {
	if guest == "" {
		return name{}, sys.EINVAL
	}
	if len(guest) > resource.MaxNameLen {
		return name{}, sys.ENAMETOOLONG
	}
	var n name
	for part := range strings.SplitSeq(guest, "/") {
		// wazero joins the name of an open directory and one below it to `dir//file` and `dir/.`, and `/file` if the directory was
		// the mount. With no links to follow, dropping these parts changes nothing about what is named.
		n.asDir = part == "" || part == "."
		if n.asDir {
			continue
		}
		if len(part) > MaxPart || len(n.parts) == MaxDepth {
			return name{}, sys.ENAMETOOLONG
		}
		n.parts = append(n.parts, part)
	}
	on, err := below(mount, n.parts)
	if err != nil {
		return name{}, sys.EINVAL
	}
	n.on = on
	return n, 0
}

// below returns the resource of what lies in dir under these parts. The parts are taken as they are: `..` is refused, not followed.
func below(dir resource.Name, parts []string) (resource.Name, error) {
	if len(parts) == 0 {
		return dir, nil
	}
	return resource.File(strings.TrimSuffix(dir.Path(), "/") + "/" + strings.Join(parts, "/"))
}

// isMount reports whether n is the mount's own directory.
func (n name) isMount() bool { return len(n.parts) == 0 }

// base is the last part of n, which must not be the mount.
func (n name) base() string { return n.parts[len(n.parts)-1] }

// inode is the number that the guest knows n by. A name is a file's only one, so the number can be made of it, the same in every run; and
// it is never 0, which sends some guests to stat each entry of a directory.
func inode(on resource.Name) uint64 {
	h := fnv.New64a()
	h.Write([]byte(on.Path()))
	return max(h.Sum64(), 1)
}

// child returns the resource of an entry of n, and whether the entry's name is one that a guest can say.
func (n name) child(entry string) (resource.Name, bool) {
	if len(entry) > MaxPart || len(n.parts) == MaxDepth {
		return resource.Name{}, false
	}
	on, err := below(n.on, []string{entry})
	return on, err == nil
}
