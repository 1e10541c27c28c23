package config

import "path/filepath"

// DBType names a storage engine.
type DBType string

// The storage engines.
const (
	SQLite   DBType = "sqlite"
	Postgres DBType = "postgres"
	MySQL    DBType = "mysql"
	Mongo    DBType = "mongo"
)

// LayerName names one of the four layers of data.
type LayerName string

// The layers: objects that people manage; numbers about traffic; recorded requests; results of uptime tests.
const (
	LayerMain      LayerName = "main"
	LayerAnalytics LayerName = "analytics"
	LayerLogs      LayerName = "logs"
	LayerUptime    LayerName = "uptime"
)

// Storage holds what was configured for each layer. Config.Layer tells what a layer uses.
type Storage struct {
	Main      Layer `json:"main" env:"MAIN_"`
	Analytics Layer `json:"analytics" env:"ANALYTICS_"`
	Logs      Layer `json:"logs" env:"LOGS_"`
	Uptime    Layer `json:"uptime" env:"UPTIME_"`
}

// Layer is a database: its engine and how to connect to it.
type Layer struct {
	Type                  DBType          `json:"type" env:"TYPE" oneof:"sqlite postgres mysql mongo" doc:"Engine. When it is empty, main takes mongo if mongo_url is set and sqlite if not, and the other layers use the database of main."`
	ConnectionString      string          `json:"connection_string" env:"CONNECTIONSTRING" secret:"yes" doc:"Database: a URL, key=value words, or for sqlite a file, by default one in the data directory."`
	ReadConnectionString  string          `json:"read_connection_string" env:"READCONNECTIONSTRING" secret:"yes" doc:"Database to read from, when it is another one."`
	WriteConnectionString string          `json:"write_connection_string" env:"WRITECONNECTIONSTRING" secret:"yes" doc:"Database to write to, when it is another one."`
	Mongo                 MongoOptions    `json:"mongo" env:"MONGO_"`
	Postgres              PostgresOptions `json:"postgres" env:"POSTGRES_"`
	MySQL                 MySQLOptions    `json:"mysql" env:"MYSQL_"`
	TableSharding         bool            `json:"table_sharding" env:"TABLESHARDING"`
}

// MongoOptions are for MongoDB only.
type MongoOptions struct {
	Driver string `json:"driver" env:"DRIVER"`
}

// PostgresOptions are for PostgreSQL only.
type PostgresOptions struct {
	PreferSimpleProtocol bool `json:"prefer_simple_protocol" env:"PREFERSIMPLEPROTOCOL" doc:"Prepare no statements, as poolers in transaction mode ask for."`
}

// MySQLOptions are for MySQL only.
type MySQLOptions struct {
	DefaultStringSize         uint `json:"default_string_size" env:"DEFAULTSTRINGSIZE"`
	DisableDatetimePrecision  bool `json:"disable_datetime_precision" env:"DISABLEDATETIMEPRECISION"`
	DontSupportRenameIndex    bool `json:"dont_support_rename_index" env:"DONTSUPPORTRENAMEINDEX"`
	DontSupportRenameColumn   bool `json:"dont_support_rename_column" env:"DONTSUPPORTRENAMECOLUMN"`
	SkipInitializeWithVersion bool `json:"skip_initialize_with_version" env:"SKIPINITIALIZEWITHVERSION"`
}

// WriteDSN is the connection string to write with; it is never empty in what Config.Layer returns.
func (l Layer) WriteDSN() string {
	if l.WriteConnectionString != "" {
		return l.WriteConnectionString
	}
	return l.ConnectionString
}

// ReadDSN is the connection string to read with, the same as WriteDSN unless reading has a database of its own.
func (l Layer) ReadDSN() string {
	switch {
	case l.ReadConnectionString != "":
		return l.ReadConnectionString
	case l.ConnectionString != "":
		return l.ConnectionString
	}
	return l.WriteConnectionString
}

// Layer returns the database that a layer uses: its own when it has a type, else that of main. Type is never empty, and
// what was left out of the connection is filled in: mongo_url, or a SQLite file in the data directory.
func (c *Config) Layer(name LayerName) Layer {
	file, l := "gatehouse", c.Storage.Main
	if own := c.Storage.layer(name); own.Type != "" && name != LayerMain {
		file, l = "gatehouse-"+string(name), *own
	}
	if l.WriteDSN() == "" {
		switch l.Type {
		case SQLite:
			l.ConnectionString = filepath.Join(c.Gatehouse.DataDir, file+".db")
		case Mongo:
			l.ConnectionString = c.MongoURL
		}
	}
	return l
}

func (s *Storage) layer(name LayerName) *Layer {
	switch name {
	case LayerAnalytics:
		return &s.Analytics
	case LayerLogs:
		return &s.Logs
	case LayerUptime:
		return &s.Uptime
	}
	return &s.Main
}

func layerNames() []LayerName {
	return []LayerName{LayerMain, LayerAnalytics, LayerLogs, LayerUptime}
}
