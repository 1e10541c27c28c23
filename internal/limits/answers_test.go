package limits

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
)

func TestOneLargeAnswerAtATimeGoesBeyondTheLimit(t *testing.T) {
	answers := NewAnswers(1600)
	first, second, third := answers.Open(), answers.Open(), answers.Open()
	require.NoError(t, first.Read(1500))
	require.NoError(t, second.Read(100), "all together are within it")
	require.NoError(t, first.Read(5000), "one may go beyond")
	require.NoError(t, third.Read(100), "a small one disturbs nobody")
	require.Equal(t, core.CodeUnavailable, core.CodeOf(second.Read(1)), "another large one ends")
	require.NoError(t, first.Read(1), "the first goes on")
	second.Close()
	third.Close()
	first.Close()
	require.Zero(t, answers.held.Load())
	again := answers.Open()
	require.NoError(t, again.Read(10_000))
}

func TestWithoutALimitAllIsRead(t *testing.T) {
	answers := NewAnswers(0)
	require.NoError(t, answers.Open().Read(1<<30))
	require.NoError(t, answers.Open().Read(1<<30))
}
