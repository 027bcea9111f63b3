package token

// A Delivery is what travels to an enforcement point: a message, the token that it is sent under, and the statements that
// support it. It isn't signed itself, since all its parts are, and the message names the token.
type Delivery struct {
	Message      []byte
	Token        []byte
	Attestations [][]byte // at most MaxStatements
	Approvals    [][]byte // at most MaxStatements
}

// Encode returns the bytes of a delivery, at most MaxDeliverySize.
func (d *Delivery) Encode() ([]byte, error) {
	var w writer
	w.array(4)
	w.bytes(d.Message)
	w.bytes(d.Token)
	for _, list := range [][][]byte{d.Attestations, d.Approvals} {
		w.array(len(list))
		for _, s := range list {
			w.bytes(s)
		}
	}
	if _, err := ParseDelivery(w.b); err != nil {
		return nil, err
	}
	return w.b, nil
}

// ParseDelivery takes a delivery apart. Nothing of it is verified.
func ParseDelivery(raw []byte) (*Delivery, error) {
	if len(raw) > MaxDeliverySize {
		return nil, refuse(Size, "the delivery has %d bytes, more than %d", len(raw), MaxDeliverySize)
	}
	r := &reader{s: string(raw)}
	if n := r.count(majorArray, 4, "the delivery"); r.err == nil && n != 4 {
		r.fail(Encoding, "a delivery is an array of 4, not of %d", n)
	}
	d := &Delivery{
		Message: []byte(r.bytes(MaxMessageSize, "the message")),
		Token:   []byte(r.bytes(MaxTokenSize, "the token")),
	}
	list := func(what string) (out [][]byte) {
		for n := r.count(majorArray, MaxStatements, what); n > 0 && r.err == nil; n-- {
			out = append(out, []byte(r.bytes(MaxStatementSize, what)))
		}
		return out
	}
	d.Attestations = list("an attestation")
	d.Approvals = list("an approval")
	r.end()
	if r.err != nil {
		return nil, r.err
	}
	return d, nil
}
