package pep

// BreakState closes the state under a PEP, as a disk that is gone would.
func BreakState(p *PEP) error { return p.state.close() }
