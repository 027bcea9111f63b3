package token

// Bounds on what is decoded, and on what is signed.
const (
	// MaxTokenSize is the size of the largest token, in bytes.
	MaxTokenSize = 64 << 10
	// MaxBlocks is the largest number of blocks in a token.
	MaxBlocks = 16
	// MaxGrants is the largest number of grants of a block, and of its denials.
	MaxGrants = 64
	// MaxActions is the largest number of actions in a grant.
	MaxActions = 32
	// MaxResources is the largest number of patterns in a grant.
	MaxResources = 64
	// MaxActionLen is the length of the longest name of an action, in bytes.
	MaxActionLen = 256
	// MaxCaveats is the largest number of caveats of a block.
	MaxCaveats = 16
	// MaxCaveatSize is the size of the largest caveat, in bytes.
	MaxCaveatSize = 4 << 10
	// MaxRealmLen is the length of the longest realm, in bytes.
	MaxRealmLen = 128
	// MaxNumber is the largest number in anything signed and in a trust document: every reader of JSON holds it exactly.
	MaxNumber = 1<<53 - 1
	// MaxArgsSize is the size of the largest arguments of a message, in bytes.
	MaxArgsSize = 64 << 10
	// MaxMessageSize is the size of the largest message, in bytes.
	MaxMessageSize = MaxArgsSize + 8<<10
	// MaxStatementSize is the size of the largest attestation or approval, in bytes.
	MaxStatementSize = 4 << 10
	// MaxStatements is the largest number of attestations, and of approvals, that travel with a message.
	MaxStatements = 16
	// MaxDeliverySize is the size of the largest delivery, in bytes.
	MaxDeliverySize = 256 << 10
	// MaxRevocationSize is the size of the largest revocation list, in bytes.
	MaxRevocationSize = 1 << 20
	// MaxRevoked is the largest number of entries of each kind in a revocation list.
	MaxRevoked = 16 << 10
	// MaxTrustSize is the size of the largest trust document, in bytes.
	MaxTrustSize = 1 << 20
	// MaxTextLen is the length of the longest rule id, claim or value attested, in bytes.
	MaxTextLen = 1024
	// MaxKeyFileSize is the size of the largest key file, in bytes.
	MaxKeyFileSize = 4 << 10
	// MaxSteps bounds what comparing the grants of all blocks of one token with those of their parents may take. A step is
	// a look at one byte of a pattern; see [resource.Pattern.Within].
	MaxSteps = 1 << 20
	// MaxExpansion bounds how many bytes of memory the decoded form of a token takes for each of its bytes.
	MaxExpansion = 128
)

// maxTime is the end of the last year with four digits, in seconds since 1970: no time is later.
const maxTime = 253402300799
