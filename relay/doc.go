// Package relay carries messages between agents, and from agents to tools, once the policy enforcement point has permitted them.
//
// Start at [NewRegistry], which knows the agents by name and key, [NewLocal], which holds their handlers, and [NewRouter], whose Send takes a
// delivery as token.Delivery.Encode wrote it, has package pep decide it, and brings a permitted message to its recipient.
//
// What a message is about says where it goes. One whose resource is agent://NAME goes to that agent. A call goes to the agent that it touches by the
// policy's own words, as in
//
//	tool message(to: string, text: string)
//	  does send on ("agent://" + args.to)
//
// so that the recipient is whom the decision was about; a call that touches no agent, or several, goes to the handler of its tool.
//
// What the package guarantees:
//
//   - A handler is given what was decided, and there is no second payload. It is given it once at most.
//   - What has waited is held again against the time, the policy, the trust document and the revocations before it is handed over.
//   - How a permitted message ended is in the log, be it that the handler failed, panicked or was never reached.
//   - Nothing waits without bound: sizes, rates, queues and times are limited, and each limit has a [Status] of its own.
//   - Before it is authenticated a message uses up nobody's rate, and a flood of such messages costs no signature checks beyond a cap.
//   - The zero [Result] says that nothing was delivered.
//
// Everything is within one process. [Transport] is where an engine between processes would go.
//
// All types are safe for concurrent use. There is no global state.
package relay
