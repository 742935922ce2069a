package jinja

// children calls f for every expression directly under x, in source order.
func children(x expr, f func(expr)) {
	each := func(xs ...expr) {
		for _, x := range xs {
			if x != nil {
				f(x)
			}
		}
	}
	switch x := x.(type) {
	case *tupleExpr:
		each(x.items...)
	case *listExpr:
		each(x.items...)
	case *dictExpr:
		for i := range x.keys {
			each(x.keys[i], x.vals[i])
		}
	case *condExpr:
		each(x.test, x.then, x.other)
	case *binExpr:
		each(x.l, x.r)
	case *concatExpr:
		each(x.items...)
	case *unaryExpr:
		each(x.x)
	case *andExpr:
		each(x.l, x.r)
	case *orExpr:
		each(x.l, x.r)
	case *notExpr:
		each(x.x)
	case *compareExpr:
		each(x.first)
		each(x.rest...)
	case *attrExpr:
		each(x.x)
	case *itemExpr:
		each(x.x, x.key)
	case *sliceExpr:
		each(x.x, x.from, x.to, x.step)
	case *callExpr:
		each(x.fn)
		each(x.args.all()...)
	case *filterExpr:
		each(x.x)
		each(x.args.all()...)
	case *testExpr:
		each(x.x)
		each(x.args.all()...)
	}
}

// all are the expressions of a, in source order as far as it is kept.
func (a *args) all() []expr {
	out := append([]expr(nil), a.pos...)
	if a.star != nil {
		out = append(out, a.star)
	}
	for _, k := range a.kw {
		out = append(out, k.x)
	}
	if a.starStar != nil {
		out = append(out, a.starStar)
	}
	return out
}
