package jinja

// An expr is a node that has a value.
type expr interface {
	place() place
	eval(in *interp) (any, error)
}

// A stmt is a node that writes output or changes names.
type stmt interface {
	place() place
	exec(in *interp, out *output) error
}

// at is embedded by every node.
type at struct{ p place }

func (a at) place() place { return a.p }

// Expressions.
type (
	constExpr struct {
		at
		v any
	}
	nameExpr struct {
		at
		name string
	}
	tupleExpr struct {
		at
		items []expr
	}
	listExpr struct {
		at
		items []expr
	}
	dictExpr struct {
		at
		keys, vals []expr
	}
	condExpr struct {
		at
		test, then, other expr // other is nil without else
	}
	binExpr struct {
		at
		op   string
		l, r expr
	}
	concatExpr struct {
		at
		items []expr
	}
	unaryExpr struct {
		at
		op string // + or -
		x  expr
	}
	andExpr struct {
		at
		l, r expr
	}
	orExpr struct {
		at
		l, r expr
	}
	notExpr struct {
		at
		x expr
	}
	compareExpr struct {
		at
		first expr
		ops   []string // == != < <= > >= in "not in"
		rest  []expr
	}
	attrExpr struct {
		at
		x    expr
		name string
	}
	itemExpr struct {
		at
		x, key expr
	}
	sliceExpr struct { // x[from:to:step], each part nil where left out
		at
		x, from, to, step expr
	}
	callExpr struct {
		at
		fn   expr
		args args
	}
	filterExpr struct {
		at
		x    expr // nil in a filter block
		name string
		args args
	}
	testExpr struct {
		at
		x    expr
		name string
		args args
	}
)

// args are the arguments of a call.
type args struct {
	pos      []expr
	kw       []kwExpr
	star     expr // *args
	starStar expr // **kwargs
}

type kwExpr struct {
	name string
	x    expr
}

// Statements.
type (
	textStmt struct {
		at
		text string
	}
	outputStmt struct {
		at
		x expr
	}
	ifStmt struct {
		at
		test  expr
		body  []stmt
		other []stmt // elif is an ifStmt in here
	}
	forStmt struct {
		at
		target    target
		iter      expr
		cond      expr
		body      []stmt
		other     []stmt
		recursive bool
	}
	setStmt struct {
		at
		target target
		x      expr
	}
	setBlockStmt struct {
		at
		target  target
		filters []*filterExpr
		body    []stmt
	}
	withStmt struct {
		at
		targets []target
		values  []expr
		body    []stmt
	}
	filterStmt struct {
		at
		filters []*filterExpr
		body    []stmt
	}
	macroDef struct {
		at
		name     string
		params   []macroParam
		body     []stmt
		varargs  bool // the body names varargs
		kwargs   bool
		isCaller bool
	}
	callStmt struct {
		at
		call *callExpr
		body *macroDef
	}
	blockStmt struct {
		at
		name     string
		body     []stmt
		scoped   bool
		required bool
	}
	extendsStmt struct {
		at
		name expr
	}
	includeStmt struct {
		at
		name          expr
		ignoreMissing bool
		withContext   bool
	}
	importStmt struct {
		at
		name        expr
		as          string
		withContext bool
	}
	fromImportStmt struct {
		at
		name        expr
		names       [][2]string // name, alias
		withContext bool
	}
)

type macroParam struct {
	name string
	def  expr // nil where there is no default
}

// target is what for and set assign to: a name, name.attr, or several.
type target struct {
	at
	name  string
	attr  string   // of a namespace
	parts []target // unpacking
}
