package rest

var gatewayRoutes = []route{}
