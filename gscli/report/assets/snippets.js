/** Code and commands that give what the page shows, to copy. */
const snippetsOf = (data, weights, typedWeights) => {
  const LIBRARIES = {
    torch(temperature, m, mode) {
      const pi = data.whole
        ? `torch.tensor([${weights().join(", ")}]).log()`
        : `...  # a tensor of your ${data.num_categories} logits`;
      const head = `import torch\n\nlogits = ${pi}\n`;
      if (mode === "hard") {
        const draw = `torch.distributions.OneHotCategorical(logits=logits).sample((${m},))`;
        return `${head}y = ${draw}  # no gradient\n`;
      }
      const hard = mode === "straight-through" ? "True" : "False";
      const call = `torch.nn.functional.gumbel_softmax(\n    logits.expand(${m}, -1), tau=${temperature}, hard=${hard}\n)`;
      return `${head}y = ${call}\n`;
    },
    jax(temperature, m, mode) {
      const pi = data.whole
        ? `jnp.log(jnp.array([${weights().join(", ")}]))`
        : `...  # an array of your ${data.num_categories} logits`;
      const lines = [
        "import jax",
        "import jax.numpy as jnp",
        "",
        `logits = ${pi}`,
        `gumbel = jax.random.gumbel(jax.random.key(0), (${m}, ${data.num_categories}))`,
      ];
      if (mode === "hard") {
        lines.push("y = jax.nn.one_hot((logits + gumbel).argmax(-1), logits.size)  # no gradient");
      } else {
        lines.push(`y = jax.nn.softmax((logits + gumbel) / ${temperature})`);
      }
      if (mode === "straight-through") {
        lines.push("hard = jax.nn.one_hot(y.argmax(-1), logits.size)");
        lines.push("y = hard + (y - jax.lax.stop_gradient(y))");
      }
      return `${lines.join("\n")}\n`;
    },
    tfp(temperature, m, mode) {
      const pi = data.whole
        ? `tf.math.log(tf.constant([${weights().join(", ")}], tf.float32))`
        : `...  # a tensor of your ${data.num_categories} logits`;
      const draw = mode === "hard"
        ? "OneHotCategorical(logits=logits, dtype=tf.float32)"
        : `RelaxedOneHotCategorical(${temperature}, logits=logits)`;
      const lines = [
        "import tensorflow as tf",
        "import tensorflow_probability as tfp",
        "",
        `logits = ${pi}`,
        `y = tfp.distributions.${draw}.sample(${m})${mode === "hard" ? "  # no gradient" : ""}`,
      ];
      if (mode === "straight-through") {
        lines.push("hard = tf.one_hot(tf.argmax(y, -1), logits.shape[-1])");
        lines.push("y = hard + (y - tf.stop_gradient(y))");
      }
      return `${lines.join("\n")}\n`;
    },
    gscli(temperature, m, mode) {
      const hard = mode === "relaxed" ? "" : " --hard";
      return `gscli sample ${typedWeights()} -t ${temperature}${hard} -n ${data.n} --seed ${data.seed} -o samples.csv\n`;
    },
  };

  const METHODS = {
    "change-mean": "mean",
    "change-entropy": "entropy",
    "change-expected_max": "expected_max",
    "change-near_vertex": "near_vertex",
    error: "gradient_error",
  };

  /** The command and the Python lines that give what a figure shows. */
  function sources(name, temperature) {
    const sizes = data.batch_sizes.join(",");
    const pi = data.whole ? `[${weights().join(", ")}]` : `logits=...  # your ${data.num_categories}`;
    if (temperature) {
      const [file, t] = ["panel.html", `-t ${temperature} -n ${data.n} --seed ${data.seed}`];
      return {
        command: `gscli plot ${typedWeights()} ${t} -o ${file}`,
        python: data.whole
          ? `from gscli import Concrete\n\nx = Concrete(${pi}, ${temperature}).sample(${data.n}, seed=${data.seed})\n`
          : `from gscli import Concrete\n\nlogits = ...  # your ${data.num_categories} logits\nx = Concrete(logits=logits, temperature=${temperature}).sample(${data.n}, seed=${data.seed})\n`,
      };
    }
    const logits = data.whole
      ? `import numpy as np\n\nlogits = np.log([${weights().join(", ")}])`
      : `import numpy as np\n\nlogits = ...  # your ${data.num_categories} logits`;
    const grid = `np.geomspace(${data.span[0]}, ${data.span[1]}, 61)`;
    if (name.startsWith("training")) {
      return {
        command: `gscli gradient ${typedWeights()} -t ${data.grid} -m ${sizes}`,
        python:
          "from gscli.distribution.estimators import compare\n" +
          "from gscli.distribution.losses import default_loss\n" +
          `${logits}\ncomparison = compare(logits, ${grid}, default_loss(len(logits)))\n`,
      };
    }
    return {
      command: `gscli describe ${typedWeights()} -t ${data.grid} -m ${sizes}`,
      python:
        `from gscli import Concrete\n${logits}\n` +
        `values = [Concrete(logits=logits, temperature=t).${METHODS[name]}() for t in ${grid}]\n`,
    };
  }

  return { libraries: LIBRARIES, sources };
};
