/*
 * The file of voice models: sections of four keys. Strict, because a mode with a mistyped number recognises
 * nothing, or everything, without a word.
 */
#include "identify/voice_models.h"
#include "identify/voice_models_ini.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MODELS_MAX 512U /* far more than codecs have modes: a bound for files that are something else */

struct voice_models {
	unsigned count;
	struct voice_model model[MODELS_MAX];
};

/*
 * Bounds: sizes as the classifier counts them; gaps below its silence; sigmas that can be accepted. Below
 * half a byte, or a tenth of a millisecond, a Gaussian says less about the codec than about rounding.
 */
struct key {
	const char *name, *unit;
	size_t offset;
	double min, max;
};
static const struct key keys[] = {
	{ "size", "bytes", offsetof(struct voice_model, size), 1, VOICE_SIZE_MAX },
	{ "size_sigma", "bytes", offsetof(struct voice_model, size_sigma), 0.5, VOICE_SIGMA_MAX },
	{ "gap", "milliseconds", offsetof(struct voice_model, gap), 1, VOICE_SILENCE_MS },
	{ "gap_sigma", "milliseconds", offsetof(struct voice_model, gap_sigma), 0.1, VOICE_SIGMA_MAX },
};
#define FILE_MAX   1048576U /* no more is read */
#define KEYS       (sizeof keys / sizeof keys[0])
#define KEYS_WORDS "size, size_sigma, gap and gap_sigma"

struct parse {
	const char *path;
	unsigned line, section_line;
	bool seen[KEYS]; /* in the section that is under way */
	struct voice_models *m;
	struct error *err;
};

/* "FILE:LINE: what is wrong" */
__attribute__((format(printf, 3, 4))) static bool fault(const struct parse *p, unsigned line,
							const char *format, ...)
{
	char what[320];
	va_list values;

	va_start(values, format);
	vsnprintf(what, sizeof what, format, values);
	va_end(values);
	return error_set(p->err, EXIT_INPUT, "%.150s:%u: %s", p->path, line, what);
}

static char *trimmed(char *text)
{
	size_t end = strlen(text);

	while (end > 0 && strchr(" \t\r\n", text[end - 1]))
		text[--end] = '\0';
	return text + strspn(text, " \t");
}

const char *voice_name_fault(const char *name)
{
	size_t length = strlen(name);

	if (length == 0)
		return "a mode needs a name";
	if (length >= VOICE_NAME_MAX)
		return "the name is longer than 47 characters";
	for (; *name; name++)
		if (*name < ' ' || *name > '~' || *name == ']' || *name == '[')
			return "a name is made of printable ASCII without brackets";
	return NULL;
}

static bool section_end(const struct parse *p)
{
	if (p->m->count == 0)
		return true;
	for (size_t i = 0; i < KEYS; i++)
		if (!p->seen[i])
			return fault(p, p->section_line, "[%s] has no %s; a mode needs " KEYS_WORDS,
				     p->m->model[p->m->count - 1].name, keys[i].name);
	return true;
}

static bool section_start(struct parse *p, char *text)
{
	char *end = strchr(text, ']');

	if (!end || end[1])
		return fault(p, p->line, "a section is a name in brackets, as in [iLBC 20 ms]");
	*end = '\0';
	const char *name = trimmed(text + 1);
	const char *wrong = voice_name_fault(name);
	if (wrong)
		return fault(p, p->line, "%s", wrong);
	if (!section_end(p))
		return false;
	for (unsigned i = 0; i < p->m->count; i++)
		if (strcmp(p->m->model[i].name, name) == 0)
			return fault(p, p->line, "a second section [%s]; names are keys in reports", name);
	if (p->m->count == MODELS_MAX)
		return fault(p, p->line, "more than %u modes", MODELS_MAX);
	snprintf(p->m->model[p->m->count++].name, VOICE_NAME_MAX, "%s", name);
	p->section_line = p->line;
	memset(p->seen, 0, sizeof p->seen);
	return true;
}

static bool value_read(const struct parse *p, const struct key *key, const char *text, float *out)
{
	char *end;

	errno = 0;
	/* strtod() also knows hexadecimal, inf and nan: none of them is a size. */
	double value = text[strspn(text, "0123456789.")] ? NAN : strtod(text, &end);
	if (!*text || isnan(value) || errno || *end)
		return fault(p, p->line, "%s = %.40s: not a number; write %s, as in 41 or 2.5", key->name,
			     text, key->unit);
	if (value < key->min || value > key->max)
		return fault(p, p->line, "%s = %.40s: must be %g to %g %s", key->name, text, key->min,
			     key->max, key->unit);
	*out = (float)value;
	return true;
}

static bool assignment(struct parse *p, char *text)
{
	char *equals = strchr(text, '=');

	if (!equals)
		return fault(p, p->line, "neither a [section], nor KEY = NUMBER, nor a # comment");
	*equals = '\0';
	const char *name = trimmed(text), *value = trimmed(equals + 1);
	if (p->m->count == 0)
		return fault(p, p->line, "%.40s stands before the first [section]", name);
	for (size_t i = 0; i < KEYS; i++) {
		if (strcmp(keys[i].name, name) != 0)
			continue;
		if (p->seen[i])
			return fault(p, p->line, "a second %s in this section", name);
		p->seen[i] = true;
		char *model = (char *)&p->m->model[p->m->count - 1];
		return value_read(p, &keys[i], value, (float *)(void *)(model + keys[i].offset));
	}
	return fault(p, p->line, "unknown key %.40s; a mode has " KEYS_WORDS, name);
}

static bool line_read(struct parse *p, char *line, size_t length)
{
	static const char bom[] = "\xef\xbb\xbf";

	if (p->line++ == 0 && strncmp(line, bom, sizeof bom - 1) == 0) {
		line += sizeof bom - 1;
		length -= sizeof bom - 1;
	}
	if (strlen(line) != length)
		return fault(p, p->line, "a zero byte; this is no text file");
	char *text = trimmed(line);
	if (*text == '\0' || *text == '#' || *text == ';')
		return true;
	return *text == '[' ? section_start(p, text) : assignment(p, text);
}

static bool file_read(struct parse *p, FILE *in)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	bool ok = true;

	while (ok && (length = getline(&line, &room, in)) >= 0)
		ok = line_read(p, line, (size_t)length);
	free(line);
	if (ok && ferror(in))
		return error_set(p->err, EXIT_INPUT, "%.150s: cannot be read: %s", p->path, strerror(errno));
	if (ok && p->m->count == 0)
		return error_set(p->err, EXIT_INPUT,
				 "%.150s: no codec in it; a mode is a [name] followed by " KEYS_WORDS,
				 p->path);
	return ok && section_end(p);
}

static struct voice_models *models_read(FILE *in, const char *path, struct error *err)
{
	if (!in) {
		error_set(err, EXIT_INPUT, "%.150s: cannot be opened: %s", path, strerror(errno));
		return NULL;
	}
	struct voice_models *m = calloc(1, sizeof *m);
	struct parse p = { .path = path, .m = m, .err = err };
	bool ok = m ? file_read(&p, in) : error_memory(err, "voice models");
	fclose(in);
	if (ok)
		return m;
	free(m);
	return NULL;
}

struct voice_models *voice_models_load(const char *path, struct error *err)
{
	FILE *in = fopen(path, "re");
	char *text = in ? malloc(FILE_MAX + 1U) : NULL;

	if (!in || !text) {
		int why = errno;
		if (in)
			fclose(in);
		return in ? (error_memory(err, "voice models"), NULL)
			  : (errno = why, models_read(NULL, path, err));
	}
	size_t size = fread(text, 1, FILE_MAX + 1U, in);
	struct voice_models *m = NULL;
	if (ferror(in))
		error_set(err, EXIT_INPUT, "%.150s: cannot be read: %s", path, strerror(errno));
	else if (size > FILE_MAX)
		error_set(err, EXIT_INPUT, "%.150s: is larger than 1 MiB; this is no file of voice models",
			  path);
	else if (size == 0)
		error_set(err, EXIT_INPUT,
			  "%.150s: no codec in it; a mode is a [name] followed by " KEYS_WORDS, path);
	else
		m = models_read(fmemopen(text, size, "r"), path, err);
	fclose(in);
	free(text);
	return m;
}

struct voice_models *voice_models_builtin(struct error *err)
{
	return models_read(fmemopen((void *)(uintptr_t)voice_models_ini, sizeof voice_models_ini - 1, "r"),
			   "data/voice-models.ini", err);
}

void voice_models_free(struct voice_models *m)
{
	free(m);
}

unsigned voice_models_count(const struct voice_models *m)
{
	return m->count;
}

const struct voice_model *voice_models_get(const struct voice_models *m, unsigned i)
{
	return &m->model[i];
}

bool voice_model_is_rtp(const struct voice_model *model)
{
	return strncmp(model->name, "RTP ", 4) == 0;
}

const char *voice_models_name(const struct voice_models *m, unsigned i)
{
	return i < m->count ? m->model[i].name : NULL;
}

bool voice_model_print(FILE *out, const struct voice_model *model)
{
	return fprintf(out, "[%s]\nsize = %.4g\nsize_sigma = %.4g\ngap = %.4g\ngap_sigma = %.4g\n",
		       model->name, (double)model->size, (double)model->size_sigma, (double)model->gap,
		       (double)model->gap_sigma) > 0;
}
