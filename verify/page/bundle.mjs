// Writes one classic script of the compiled modules to standard output: each module a function of its own, in the order
// in which they need each other. Argument: the module that begins, such as built/page.js.
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const IMPORT = /^import \{ ([\w, ]+) \} from "\.\/(\w+)\.js";\n/gm;
const EXPORT = /^export (?=(?:function|class|const) (\w+))/gm;
const done = new Set();

function bundled(path) {
  const name = basename(path, ".js");
  if (done.has(name)) {
    return "";
  }
  done.add(name);
  const text = readFileSync(path, "utf8");
  const needed = [...text.matchAll(IMPORT)].map(([, , other]) => bundled(join(dirname(path), `${other}.js`)));
  const exported = [...text.matchAll(EXPORT)].map(([, one]) => one);
  const body = text.replace(IMPORT, "const { $1 } = modules.$2;\n").replace(EXPORT, "").replace(/^export \{\};\n/m, "");
  if (/^(?:import|export)\b/m.test(body)) {
    throw new Error(`${path}: an import or export that this can't bundle`);
  }
  return `${needed.join("")}modules.${name} = (() => {\n${body}return { ${exported.join(", ")} };\n})();\n`;
}

const made = `(() => {\n"use strict";\nconst modules = {};\n${bundled(process.argv[2])}})();\n`;
// The page has it between two marks of XML, within a script element.
for (const mark of ["]]>", "</script", "<!--"]) {
  if (made.includes(mark)) {
    throw new Error(`the script has ${mark} in it, which would end it in the page: write that in two parts`);
  }
}
process.stdout.write(made);
