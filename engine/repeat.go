package engine

import (
	"context"
	"time"
)

// runNow runs the items one after the other, each again until it is well.
func (j *job) runNow(ctx context.Context) error {
	w := j.w
	if err := w.pipe.drain(ctx); err != nil {
		return err
	}
	w.begins(j.start)
	for i, it := range j.items {
		if i > 0 {
			if err := j.pause(ctx, it); err != nil {
				return err
			}
		}
		if err := j.tryItem(ctx, it); err != nil {
			return err
		}
	}
	end := j.decide(ctx)
	j.e.collect = func(context.Context) taskEnd { return end }
	j.e.auto = false
	j.submit()
	return w.pipe.drain(ctx)
}

// tryItem runs an item as often as until and retries say.
func (j *job) tryItem(ctx context.Context, it *item) error {
	tries, delay, err := j.w.r.retries(ctx, j.t, it.vars)
	if err != nil {
		it.end = failedItem(err)
		return nil
	}
	for n := 1; ; n++ {
		j.w.group++
		j.begin(ctx, it)
		e, err := it.wait(ctx)
		if err != nil {
			return err
		}
		if e.dropped {
			return errInterrupted
		}
		j.e.use()
		if e.failed {
			j.w.epoch++ // the host drops the rest of an epoch in which something failed
		}
		if j.repeats() {
			e.attempts = n
		}
		it.end = e
		if err := j.judge(ctx, it); err != nil {
			it.end.failed, it.end.msg = true, err.Error()
		}
		if !j.repeats() || it.end.skipped || it.end.unreachable || it.end.may || it.end.unknown {
			return nil
		}
		well, err := j.satisfied(ctx, it)
		if err != nil {
			it.end.failed, it.end.msg = true, err.Error()
		}
		if well || err != nil {
			return nil
		}
		if n >= tries {
			it.end.failed, it.end.attempts = true, n-1 // as Ansible counts them in the end
			return nil
		}
		j.w.retrying(j, it, tries-n)
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-j.w.r.soft.Done():
			return errInterrupted
		}
	}
}
