package rest

var certificateRoutes = []route{}
