// What is asked of the server besides the stream: POST /api/NAME.

export class Refused extends Error {
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function refusal(response) {
  let said = {};
  try {
    said = await response.json();
  } catch {
    // it has no JSON
  }
  return new Refused(said.error || `the server answers ${response.status}`, response.status, said.code || "");
}

export async function ask(name, given = {}) {
  const response = await fetch(`/api/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(given),
  });
  if (!response.ok) throw await refusal(response);
  return response.json();
}

export async function askAbout(file, service, kind) {
  const query = new URLSearchParams({ service, kind });
  const response = await fetch(`/api/ask?${query}`, {
    method: "POST",
    headers: { "Content-Type": "application/octet-stream" },
    body: file,
  });
  if (!response.ok) throw await refusal(response);
  return response.arrayBuffer();
}

// The token comes in the address once, and is a cookie from then on.
export async function logIn() {
  const given = new URLSearchParams(location.hash.slice(1));
  const token = given.get("token");
  if (!token) return;
  given.delete("token");
  const rest = given.toString();
  history.replaceState(null, "", location.pathname + (rest ? `#${rest}` : ""));
  await ask("login", { token });
}
