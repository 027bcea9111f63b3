// Package egress makes HTTP requests for guests that nobody trusts.
//
// Start at [New] and [Client.Do]. A Client belongs to one agent. Each request is one hop: it is checked, the host's [Ask] is asked for it
// and for each secret that it names, one connection is made for it alone, and the response is read to its end, cleaned and returned.
//
// What is guaranteed:
//
//   - Nothing leaves, no DNS query either, before Ask has permitted `connect` on the URL, `send` where there is a body or the method isn't
//     GET or HEAD, and `use` on secret://NAME for each secret. The URL that was asked for is, byte for byte, the one that is requested.
//   - A connection goes to a public unicast address, or to one that the operator granted. That is checked of the very address that the
//     kernel connects to, so a name that resolves to another address later gains nothing.
//   - A redirect is returned and not followed: the next hop is another request, with no secret unless it names one and is permitted.
//   - A secret goes into the header of its binding, on a URL that its binding matches, over TLS, and for this hop alone. What comes back has
//     none of the values that are bound for the agent or that this client has sent, as far as [secret.Scrubber] finds them.
//   - A guest's headers can't change to which address a request goes, which host, method and path stand in it, or how HTTP reads it. Those of a
//     list, which many servers and proxies follow instead, aren't a guest's to set. It isn't all there are: a server that takes another method or path, or
//     who asks, from a header of its own is told them by whoever may send to it.
//   - No proxy, no cookies, no cache, no connection that is used twice, nothing taken from the environment but the system's root certificates
//     and the configuration of its resolver.
//   - What a guest is told of a failure is a [Code]. Addresses, names of internal hosts and values aren't in it.
//   - A request that names a secret which isn't bound to where it goes is asked for like any other, so that it is on record, and refused.
//   - Time, sizes and the number of requests at once are bounded; a response that is too large is an error and not cut.
//
// What isn't defended: the guest chooses URLs, headers and bodies inside of what is permitted, and so can tell the server what it knows; a
// server that works together with the guest can pass it a secret in a form that isn't recognised (see [secret.Scrubber]); a server whose
// interface gives out parts of what is stored there, as a search does, can be asked for the parts of a secret that it has stored; a guest that
// guesses a whole value, also one that it may not use, sees that it is taken out of what a server repeats, so that a value must not be one that can be guessed; which host
// an agent talks to is visible to the network, in DNS and TLS; and a response that only the end of a TLS connection ends, without its
// closing alert, can't be told from a shorter one.
package egress
