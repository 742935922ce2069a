package host

import "context"

type envKey struct{}

// WithEnv puts a task's environment (its environment keyword) into ctx: every
// program that is started below it gets it on top of what it has anyway.
func WithEnv(ctx context.Context, env map[string]string) context.Context {
	if len(env) == 0 {
		return ctx
	}
	return context.WithValue(ctx, envKey{}, env)
}

// EnvOf is what WithEnv put into ctx; nil for none.
func EnvOf(ctx context.Context) map[string]string {
	env, _ := ctx.Value(envKey{}).(map[string]string)
	return env
}
