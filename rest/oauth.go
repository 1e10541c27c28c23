package rest

var oauthRoutes = []route{}
