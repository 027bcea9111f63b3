package lang

import (
	"time"

	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/value"
)

// A File is the syntax tree of one source.
type File struct {
	Src     *Source
	Policy  Ident
	Edition int64
	Imports []Str
	Decls   []Decl

	tokens   []token
	comments []comment
	broken   []brokenDecl
}

// HasComments reports whether the source has a comment.
func (f *File) HasComments() bool { return len(f.comments) > 0 }

// An Ident is a name as it stands in the source. For a quoted word, Name is what the quotes hold.
type Ident struct {
	Span Span
	Name string
}

// A Str is a string literal, decoded.
type Str struct {
	Span  Span
	Value string
}

// A Decl is a declaration.
type Decl interface {
	DeclSpan() Span
}

// Group declares a group of principals: group Staff in Everyone claims "did:key:…".
type Group struct {
	Span   Span
	Name   Ident
	In     []Ident
	Claims []Str // issuers whose signed claims make an unknown key a member
}

// PrincipalKind tells an agent from a person.
type PrincipalKind string

const (
	Agent  PrincipalKind = "agent"
	Person PrincipalKind = "person"
)

// Principal declares an agent or a person and the groups it is in.
type Principal struct {
	Span Span
	Kind PrincipalKind
	Name Ident
	In   []Ident
}

// Actions declares names of actions beside the built-in ones.
type Actions struct {
	Span  Span
	Names []Ident
}

// Origins declares labels that a host gives to values, beside the built-in ones.
type Origins struct {
	Span  Span
	Names []Ident
}

// Tool declares a tool, its arguments, what else a call touches, and the digest of its definition.
type Tool struct {
	Span    Span
	Name    Ident
	Params  []Param
	Result  *TypeExpr
	Effects []*Effect
	Pin     *Str

	// Args is the record type of the arguments. Set by the checker.
	Args Type
}

// A Param is a parameter of a tool.
type Param struct {
	Span   Span
	Name   Ident
	Type   *TypeExpr
	Record string // "redact", "digest" or "": how the log keeps the value
}

// An Effect is something that a call of a tool does beside running: does read on file(args.path).
type Effect struct {
	Span   Span
	Action Ident
	On     Expr
	When   Expr // nil: always
}

// A TypeExpr is a type as written. Type is set by the checker.
type TypeExpr struct {
	Span     Span
	Optional bool
	Name     *Ident // a named type
	Elem     *TypeExpr
	Fields   []FieldExpr
	Record   bool // {…}, also when there are no fields
	Enum     []Str
	Type     Type
}

// A FieldExpr is a field of a record type or of the context.
type FieldExpr struct {
	Span Span
	Name Ident
	Type *TypeExpr
}

// Context declares the facts that the host supplies with each request.
type Context struct {
	Span   Span
	Fields []FieldExpr
}

// Define names an expression.
type Define struct {
	Span Span
	Name Ident
	Body Expr
}

// RuleEffect tells a permit from a forbid.
type RuleEffect string

const (
	Permit RuleEffect = "permit"
	Forbid RuleEffect = "forbid"
)

// Rule is a permit or a forbid.
type Rule struct {
	Span     Span
	Effect   RuleEffect
	Label    *Ident
	Scope    Scope
	Conds    []Cond
	Because  *Str
	Notify   []Str
	Approval *ApprovalClause

	// ID names the rule in decisions: its label, or its effect, '#' and 8 hexadecimal digits of its canonical form. Set by the checker.
	ID string
	// Cost is the most steps that the conditions take on lists of one element. Set by the checker.
	Cost int
}

// A Cond is a when or an unless of a rule.
type Cond struct {
	Span   Span
	Unless bool
	X      Expr
}

// ApprovalClause is needs N approval by G within D.
type ApprovalClause struct {
	Span   Span
	N      int64
	By     []Ident
	Within *Literal // nil: no end
}

// Names is a list of names, or any.
type Names struct {
	Span  Span
	Any   bool
	Names []Ident
}

// Scope says whom, which actions and which resources a rule is about.
type Scope struct {
	Span     Span
	Subjects Names
	Actions  Names
	Targets  []Target
}

// TargetKind is the form of a Target.
type TargetKind int

const (
	TargetAny     TargetKind = iota // any
	TargetTool                      // tool docs.search
	TargetTools                     // tool any
	TargetAgents                    // agent crawler, agent any
	TargetPattern                   // "file:///srv/**"
)

// A Target is a set of resources.
type Target struct {
	Span   Span
	Kind   TargetKind
	Tool   Ident // for TargetTool
	Agents Names // for TargetAgents
	Text   Str   // for TargetPattern

	// Patterns are the resource patterns that the target stands for; none for TargetAny. Set by the checker.
	Patterns []*resource.Pattern
}

// Limit is a budget over time.
type Limit struct {
	Span       Span
	Label      *Ident
	Scope      Scope
	When       Expr
	Sum        Expr // nil: count
	Max        *Literal
	Per        *Literal // nil: per session
	PerSession bool
	Burst      *Literal
	Each       string // "agent", "session" or "root"

	ID string // as Rule.ID
}

// Lifecycle is a state machine over events.
type Lifecycle struct {
	Span        Span
	Name        Ident
	Subjects    Names
	Start       Ident
	Transitions []Transition
}

// A Transition moves a lifecycle from a state to another when its event happens.
type Transition struct {
	Span     Span
	From, To Ident
	Event    Event
}

// An Event is an action on a target.
type Event struct {
	Span    Span
	Actions Names
	Targets []Target
}

// Delegation bounds what a token may carry.
type Delegation struct {
	Span     Span
	Settings []Setting
}

// Sandbox bounds what code that is run for an agent may use.
type Sandbox struct {
	Span     Span
	Subjects Names
	Settings []Setting
}

// A Setting is a name and its values.
type Setting struct {
	Span   Span
	Name   Ident
	Values []*Literal
}

// Secret binds a handle to where its value may be injected.
type Secret struct {
	Span     Span
	Name     Ident
	For      Names
	On       Target // a pattern
	Header   Str
	Template Str
}

// Test is a sequence of steps with what each must give.
type Test struct {
	Span  Span
	Name  Str
	Steps []Step
}

// A Step is a step of a test.
type Step interface{ StepSpan() Span }

// Given sets facts of the host for the steps that follow.
type Given struct {
	Span  Span
	Facts *Record
}

// Wait moves the test's clock.
type Wait struct {
	Span Span
	For  *Literal
}

// Approve lets a person approve what the last step asked for.
type Approve struct {
	Span Span
	By   Ident
}

// Try is a request and what it must give.
type Try struct {
	Span    Span
	Subject Ident // a declared name, or in quotes any
	Action  Ident
	Target  Target
	Args    *Record // nil: none
	Expect  Ident   // permit, ask or deny
	By      *Ident  // the rule that must have decided
}

func (d *Group) DeclSpan() Span      { return d.Span }
func (d *Principal) DeclSpan() Span  { return d.Span }
func (d *Actions) DeclSpan() Span    { return d.Span }
func (d *Origins) DeclSpan() Span    { return d.Span }
func (d *Tool) DeclSpan() Span       { return d.Span }
func (d *Context) DeclSpan() Span    { return d.Span }
func (d *Define) DeclSpan() Span     { return d.Span }
func (d *Rule) DeclSpan() Span       { return d.Span }
func (d *Limit) DeclSpan() Span      { return d.Span }
func (d *Lifecycle) DeclSpan() Span  { return d.Span }
func (d *Delegation) DeclSpan() Span { return d.Span }
func (d *Sandbox) DeclSpan() Span    { return d.Span }
func (d *Secret) DeclSpan() Span     { return d.Span }
func (d *Test) DeclSpan() Span       { return d.Span }

func (s *Given) StepSpan() Span   { return s.Span }
func (s *Wait) StepSpan() Span    { return s.Span }
func (s *Approve) StepSpan() Span { return s.Span }
func (s *Try) StepSpan() Span     { return s.Span }

// An Expr is an expression. The set of its forms is closed: the types that follow in this file.
type Expr interface {
	ExprSpan() Span
}

// LiteralKind is the form of a literal.
type LiteralKind int

const (
	LitBool LiteralKind = iota
	LitInt
	LitDecimal
	LitString
	LitDuration
	LitSize
)

// A Literal is a constant. Which of the values is set depends on Kind.
type Literal struct {
	Span    Span
	Kind    LiteralKind
	Bool    bool
	Int     int64 // LitInt; LitSize in bytes
	Decimal value.Decimal
	Str     string
	Dur     time.Duration

	// Type is what the checker took the literal for: a string literal beside an e-mail address is one. The zero Type until then.
	Type Type
}

// FactRoot is a root of facts that every condition sees.
type FactRoot string

const (
	RootArgs     FactRoot = "args"
	RootContext  FactRoot = "context"
	RootAgent    FactRoot = "agent"
	RootToken    FactRoot = "token"
	RootResource FactRoot = "resource"
	RootSession  FactRoot = "session"
	RootNow      FactRoot = "now"
)

// A Fact is a root of facts.
type Fact struct {
	Span Span
	Root FactRoot
}

// A Var is a name: of a quantifier's variable, a define, or, on the right of `in`, a group.
type Var struct {
	Span Span
	Name string

	// Define and Group are set by the checker; both nil for a quantifier's variable.
	Define *Define
	Group  *Group
}

// Select is X.Name.
type Select struct {
	Span Span
	X    Expr
	Name Ident
}

// Index is X[Key]; Key is an integer or a string.
type Index struct {
	Span Span
	X    Expr
	Key  *Literal
}

// Call is Func(Args…).
type Call struct {
	Span Span
	Func Ident
	Args []Expr
}

// List is [Elems…].
type List struct {
	Span  Span
	Elems []Expr
}

// Record is {Name: Value, …}.
type Record struct {
	Span   Span
	Fields []RecordField
}

// A RecordField is a field of a record literal.
type RecordField struct {
	Name  Ident
	Value Expr
}

// Negate is -X.
type Negate struct {
	Span Span
	X    Expr
}

// Not is not X.
type Not struct {
	Span Span
	X    Expr
}

// Logic is the conjunction or disjunction of two or more operands.
type Logic struct {
	Span Span
	Or   bool
	Xs   []Expr
}

// BinaryOp is an operator of Binary.
type BinaryOp string

const (
	OpEq       BinaryOp = "=="
	OpNe       BinaryOp = "!="
	OpLt       BinaryOp = "<"
	OpLe       BinaryOp = "<="
	OpGt       BinaryOp = ">"
	OpGe       BinaryOp = ">="
	OpIn       BinaryOp = "in"
	OpAdd      BinaryOp = "+"
	OpSub      BinaryOp = "-"
	OpMul      BinaryOp = "*"
	OpCoalesce BinaryOp = "??"
)

// Binary is X Op Y.
type Binary struct {
	Span   Span
	Op     BinaryOp
	OpSpan Span
	X, Y   Expr

	// Pattern is set by the checker when Op is OpIn and Y is a string literal that stands for a resource pattern.
	Pattern *resource.Pattern
	// Decimal is set by the checker when the result is a decimal: the operands are then computed with as decimals, though a value of that type
	// may be an integer at run time, as args.i ?? 0.5 may.
	Decimal bool
}

// Like is X like "pattern", with * for any run of characters.
type Like struct {
	Span    Span
	X       Expr
	Pattern Str
}

// FromMode is the form of a From.
type FromMode string

const (
	FromAll  FromMode = ""     // every label is listed
	FromSome FromMode = "some" // at least one is
	FromNo   FromMode = "no"   // none is
)

// From asks where a value came from.
type From struct {
	Span    Span
	X       Expr
	Mode    FromMode
	Origins []Origin
}

// An Origin is a label of values: "user", "crm", "tool bank.txs.sender".
type Origin struct {
	Span Span
	Name string
}

// Attested asks whether a third party has signed a claim about a value.
type Attested struct {
	Span  Span
	X     Expr
	Claim Str
	By    Ident
}

// Has asks whether an optional value is there.
type Has struct {
	Span Span
	X    Expr
}

// Quantified asks whether any, or all, elements of a list satisfy a condition.
type Quantified struct {
	Span Span
	All  bool
	Var  Ident
	In   Expr
	Body Expr
}

// Once asks whether an event happened before, in the session or for the agent.
type Once struct {
	Span   Span
	Scope  string // "session" or "agent"
	Event  Event
	When   Expr
	Within *Literal
}

func (x *Literal) ExprSpan() Span    { return x.Span }
func (x *Fact) ExprSpan() Span       { return x.Span }
func (x *Var) ExprSpan() Span        { return x.Span }
func (x *Select) ExprSpan() Span     { return x.Span }
func (x *Index) ExprSpan() Span      { return x.Span }
func (x *Call) ExprSpan() Span       { return x.Span }
func (x *List) ExprSpan() Span       { return x.Span }
func (x *Record) ExprSpan() Span     { return x.Span }
func (x *Negate) ExprSpan() Span     { return x.Span }
func (x *Not) ExprSpan() Span        { return x.Span }
func (x *Logic) ExprSpan() Span      { return x.Span }
func (x *Binary) ExprSpan() Span     { return x.Span }
func (x *Like) ExprSpan() Span       { return x.Span }
func (x *From) ExprSpan() Span       { return x.Span }
func (x *Attested) ExprSpan() Span   { return x.Span }
func (x *Has) ExprSpan() Span        { return x.Span }
func (x *Quantified) ExprSpan() Span { return x.Span }
func (x *Once) ExprSpan() Span       { return x.Span }
