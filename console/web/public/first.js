// Before anything is painted: the theme and the language that were chosen, so that nothing flashes.
{
  const stored = (name) => {
    try {
      return localStorage.getItem(name)
    } catch {
      return null
    }
  }
  const theme = stored('svyaz.theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
  const language = stored('svyaz.language') ?? navigator.language.slice(0, 2)
  document.documentElement.lang = language === 'ru' ? 'ru' : 'en'
}
