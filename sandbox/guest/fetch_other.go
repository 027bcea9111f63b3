//go:build !wasip1

package guest

func fetch([]byte, []byte) (replyHead, replyBody []byte, err error) { return nil, nil, ErrNoSandbox }
