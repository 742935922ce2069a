package remote

import (
	"errors"
	"sync"
)

// errNobody: a secret is needed and there is nobody to ask.
var errNobody = errors.New("nobody can be asked for it")

// asker asks a person, one question at a time and none twice.
type asker struct {
	prompt  func(kind PromptKind, text string) (string, error)
	mu      sync.Mutex
	answers map[string]answer
}

type answer struct {
	text string
	err  error
}

// ask gives the answer to a question. key tells what the answer is for; with
// "" it is good for this once.
func (a *asker) ask(kind PromptKind, key, text string) (string, error) {
	if a.prompt == nil {
		return "", errNobody
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if got, ok := a.answers[key]; ok && key != "" {
		return got.text, got.err
	}
	s, err := a.prompt(kind, text)
	if key != "" {
		if a.answers == nil {
			a.answers = map[string]answer{}
		}
		a.answers[key] = answer{s, err}
	}
	return s, err
}

// known reports whether the answer is there already.
func (a *asker) known(key string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.answers[key]
	return ok
}
