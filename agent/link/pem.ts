// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

/** RFC 7468. `label` is what stands after BEGIN. */
export function encodePem(label: string, der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** The first block in `pem`. @throws {SyntaxError} if there is none */
export function decodePem(pem: string): Uint8Array<ArrayBuffer> {
  const body = /-----BEGIN [A-Z0-9 ]+-----([^-]+)-----END /.exec(pem)?.[1];
  if (body === undefined) throw new SyntaxError("Text holds no PEM block");
  return Uint8Array.fromBase64(body);
}
