// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

const REFERENCE_REGEXP = /\$(\$|\(([^()$\s]*)\))/g;

/**
 * Replaces `$(NAME)` by the variable's value, as the kubelet does before it calls a runtime. `$$` stands for one `$`, and
 * a reference to what is not defined stays as it is (Kubernetes: third_party/forked/golang/expansion).
 */
export function expandReferences(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(REFERENCE_REGEXP, (whole, after: string, name: string | undefined) => {
    if (after === "$") return "$";
    return variables.get(name ?? "") ?? whole;
  });
}

/** A container's variables in their order: each may refer to those before it. */
export function expandVariables(
  env: readonly { readonly name: string; readonly value: string }[],
): Map<string, string> {
  const variables = new Map<string, string>();
  for (const { name, value } of env) variables.set(name, expandReferences(value, variables));
  return variables;
}
