package sql

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPasswordsOfMySQLAreTakenAsWritten(t *testing.T) {
	for _, tc := range []struct{ dsn, password, address string }{
		{"user=u password=top@secret/x host=h port=1 database=d", "top@secret/x", "h:1"},
		{"user=u password='with space' host=h port=1 database=d", "with space", "h:1"},
		{`user=u password='it\'s \\ here' host=h database=d`, `it's \ here`, "h:3306"},
		{"user=u password='' host=h database=d", "", "h:3306"},
		{"user=u password= host=h database=d", "", "h:3306"},
		{`user=u password=a'b\c=d?e#f%g host=h database=d`, `a'b\c=d?e#f%g`, "h:3306"},
		{" password=u:p@tcp(x)/y  user=u\thost=h database=d\n", "u:p@tcp(x)/y", "h:3306"},
		{"user=u password=x host=/run/mysqld/mysqld.sock database=d", "x", "/run/mysqld/mysqld.sock"},
		{"u:x@unix(/run/mysqld/mysqld.sock)/d", "x", "/run/mysqld/mysqld.sock"},
		{"u:top@secret/x=y@tcp(h:1)/d?charset=utf8&parseTime=True&loc=Local", "top@secret/x=y", "h:1"},
		{"mysql://u:top%40secret%2Fx@h:1/d?charset=utf8", "top@secret/x", "h:1"},
	} {
		config, err := mysqlConfig(tc.dsn)
		require.NoError(t, err, tc.dsn)
		require.Equal(t, "u", config.User, tc.dsn)
		require.Equal(t, tc.password, config.Passwd, tc.dsn)
		require.Equal(t, tc.address, config.Addr, tc.dsn)
		require.Equal(t, "d", config.DBName, tc.dsn)
	}
}
