package lang

// A Code names a kind of diagnostic. Codes are stable: tools and people refer to them. spec/ERRORS.md explains each.
type Code string

// Source text and tokens.
const (
	CodeTooLarge      Code = "M0001" // a file, a policy or a number of files over its bound
	CodeInvalidText   Code = "M0002" // bytes that may not stand in a source: bad UTF-8, control, bidi and invisible characters
	CodeInvalidToken  Code = "M0003" // a mark that is not of the language
	CodeForeignName   Code = "M0004" // a name with letters that are not ASCII
	CodeTooLong       Code = "M0005" // a name or string over its bound
	CodeInvalidNumber Code = "M0006" // a number, duration or size out of range or of wrong form
	CodeInvalidString Code = "M0007" // a string without end, or with an unknown escape
	CodeTooDeep       Code = "M0008" // nesting or a chain over its bound
	CodeTooManyErrors Code = "M0009" // errors past MaxErrors
)

// Syntax.
const (
	CodeSyntax  Code = "M0101" // a token where the grammar has no place for it
	CodeEdition Code = "M0102" // an edition that this compiler doesn't know
)

// Names.
const (
	CodeUnknownName   Code = "M0201" // a name that nothing declares
	CodeDuplicate     Code = "M0202" // two different declarations of a name
	CodeLookAlike     Code = "M0203" // two names that differ only by case or by look-alike characters
	CodeWrongKindName Code = "M0204" // a name of one kind where another is needed
	CodeCycle         Code = "M0205" // groups or defines that lead back to themselves
	CodeUnknownField  Code = "M0206" // a field, argument or fact that doesn't exist
	CodeReservedName  Code = "M0207" // a declaration of a name that the language has already
)

// Types.
const (
	CodeType           Code = "M0301" // a value of one type where another is needed
	CodeUnknownType    Code = "M0302" // a type that doesn't exist
	CodeMaybeAbsent    Code = "M0303" // an optional value used as if it were there
	CodeMixedTypes     Code = "M0304" // an argument that has different types in the tools of a rule
	CodeNotCanonical   Code = "M0305" // a literal that is not in the canonical form of its type
	CodeArity          Code = "M0306" // a call with the wrong number of arguments
	CodeCost           Code = "M0307" // conditions over the bound on cost
	CodeNeedsConstants Code = "M0308" // an expression where only a constant may stand
)

// Rules and the other declarations.
const (
	CodePermitAny      Code = "M0401" // a permit for any principal
	CodeInvalidPattern Code = "M0402" // a resource pattern that isn't one
	CodeSetting        Code = "M0403" // a setting that doesn't exist or has a wrong value
	CodeLifecycle      Code = "M0404" // a lifecycle whose states or transitions don't fit together
	CodeNoRules        Code = "M0405" // a policy that has no rule
	CodeApproval       Code = "M0406" // an approval that can't be given
	CodeInvalidValue   Code = "M0407" // a number, digest, key or header that can't be one
	CodeOnce           Code = "M0408" // a `once` inside another, or in what a tool does
)

// Files and imports.
const (
	CodeImport     Code = "M0501" // an import that leads out of the policy or to nothing
	CodeImportLoop Code = "M0502" // files that import each other
	CodePolicyName Code = "M0503" // files of one policy under different names
	CodeReadFile   Code = "M0504" // a file that can't be read
	CodeNoFiles    Code = "M0505" // a folder without policies
)

// Warnings: the program is made all the same.
const (
	WarnLikeOnStructured Code = "M0901" // `like` on a type that has structure
	WarnUnused           Code = "M0902" // a group, action or define that nothing uses
	WarnAllOverEmpty     Code = "M0903" // `all` in a permit over a list that may be empty
	WarnOnceWithin       Code = "M0904" // a forbid that waiting evades
	WarnNeverAbsent      Code = "M0905" // `??` or `has` on a value that is always there
	WarnMissingPin       Code = "M0907" // a tool without a pin in a policy that pins others
	WarnNoTool           Code = "M0908" // a target that names no tool there is
	WarnNeverHolds       Code = "M0909" // a rule that can't hold
	WarnClaimAgainst     Code = "M0910" // a claim that an agent has no reason to present
	WarnDelegating       Code = "M0911" // acts of delegation where the past is asked for
)
