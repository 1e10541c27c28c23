/** HeaderBar shows the product's name and the two credentials; onChange receives the parts that change. */
export function HeaderBar({ credentials, onChange }) {
  const { accessKey, adminSecret, remember } = credentials;
  return (
    <header className="bar">
      <h1>
        <img src={`${import.meta.env.BASE_URL}gatehouse.svg`} alt="" width="24" height="24" />
        Gatehouse <span>playground</span>
      </h1>
      <form autoComplete="off" onSubmit={(event) => event.preventDefault()}>
        <Secret
          label="Access key"
          hint="Sent as the Authorization header: a user's access key"
          value={accessKey}
          onChange={(value) => onChange({ accessKey: value })}
        />
        <Secret
          label="Admin secret"
          hint="Sent as the admin-auth header: opens organisations and users of every organisation"
          value={adminSecret}
          onChange={(value) => onChange({ adminSecret: value })}
        />
        <label className="remember" title="Keep both in this browser after the tab is closed">
          <input
            type="checkbox"
            checked={remember}
            onChange={(event) => onChange({ remember: event.target.checked })}
          />
          Remember
        </label>
      </form>
    </header>
  );
}

function Secret({ label, hint, value, onChange }) {
  return (
    <label className="secret" title={hint}>
      <span>{label}</span>
      <input
        type="password"
        autoComplete="off"
        spellCheck="false"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  );
}
