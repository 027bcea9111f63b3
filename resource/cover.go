package resource

// This file compares two patterns without braces part by part. It rests on one observation: whatever a wildcard of a
// stands for, b matches a's text if b's own wildcards take in a's, because then they take in anything. So b is matched
// against a as against a name in which `*` is a character, and `**` a part, that only wildcards match.

// covers reports that b matches every name that a matches. It may miss that it does where `**` of a would have to be
// split by how many parts it stands for: see search.
func (m *matcher) covers(b, a *alternative) bool {
	m.steps++
	if b.scheme != a.scheme {
		return false
	}
	if b.anyHost {
		return true
	}
	if a.family == webFamily && !((b.anyPort || b.port == a.port && !a.anyPort) && m.coversHost(b, a)) {
		return false
	}
	return m.coversSequence(&b.path, &a.path) && m.coversQuery(&b.query, &a.query)
}

func (m *matcher) coversHost(b, a *alternative) bool {
	if a.address {
		return m.address(&b.host, a.host.globs[0].text)
	}
	return m.coversSequence(&b.host, &a.host)
}

func (m *matcher) coversQuery(b, a *query) bool {
	switch b.kind {
	case queryAny:
		return true
	case queryGlob:
		return a.kind == queryGlob && m.coversPart(&b.glob, &a.glob)
	}
	return a.kind == queryNone
}

// coversSequence does to the globs of a what matcher.sequence does to the parts of a name.
func (m *matcher) coversSequence(b, a *sequence) bool {
	rest := a.globs
	if len(rest) < b.fixed || b.first < 0 && len(rest) != b.fixed {
		return false
	}
	if b.first < 0 {
		return m.coversRun(b.globs, rest)
	}
	head, tail := b.globs[:b.first], b.globs[b.last+1:]
	if !m.coversRun(head, rest) || !m.coversRun(tail, rest[len(rest)-len(tail):]) {
		return false
	}
	rest = rest[len(head) : len(rest)-len(tail)]
	for at := b.first + 1; at < b.last; {
		end := at
		for b.globs[end].kind != deep {
			end++
		}
		run := b.globs[at:end]
		for {
			if len(rest) < len(run) {
				return false
			}
			if m.coversRun(run, rest) {
				rest = rest[len(run):]
				break
			}
			rest = rest[1:]
		}
		at = end + 1
	}
	return true
}

// coversRun compares b, in which there is no `**`, with as many globs of a.
func (m *matcher) coversRun(b, a []glob) bool {
	for i := range b {
		if !m.coversPart(&b[i], &a[i]) {
			return false
		}
	}
	return true
}

// coversPart reports whether b, which is not `**`, matches whatever a matches. It is exact where the alphabet has a
// character that b doesn't name.
func (m *matcher) coversPart(b, a *glob) bool {
	return a.kind != deep && m.glob(b, a.text)
}
