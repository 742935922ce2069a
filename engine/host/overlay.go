package host

// Memory is what a dry run predicts of one host, shared by the users that its
// tasks become.
type Memory struct{}

// View is a host seen through a Memory by one user, for one task.
type View struct {
	base Reader
	mem  *Memory
	task string
	may  bool
}
