package main

import "context"

type service struct{}
type serviceParams struct{ solveParams }
type serviceStopParams struct{}

func (c call) service(ctx context.Context, p serviceParams) (any, error) {
	return nil, &rpcError{Code: "INVALID", Message: "services are not there yet"}
}

func (s *server) serviceStop(ctx context.Context, p serviceStopParams) (any, error) {
	return nil, nil
}
