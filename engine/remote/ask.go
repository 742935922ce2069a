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
	turn    sync.Mutex // held while a person is being asked
	mu      sync.Mutex // of answers
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
	a.turn.Lock()
	defer a.turn.Unlock()
	if got, ok := a.had(key); ok {
		return got.text, got.err
	}
	s, err := a.prompt(kind, text)
	if key != "" {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.answers == nil {
			a.answers = map[string]answer{}
		}
		a.answers[key] = answer{s, err}
	}
	return s, err
}

// had gives the answer where the question was asked already.
func (a *asker) had(key string) (answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	got, ok := a.answers[key]
	return got, ok && key != ""
}
